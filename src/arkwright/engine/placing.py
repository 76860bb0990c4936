"""Where the attempts of a share run, decided before it is committed.

Rules (which group it is: `placement`): what is decided stands in the attempt's request, and one for a group of workers
is offered to it by the commit itself. So whoever takes the instance over finds either nothing, or an attempt that
workers may have claimed; and the offer needs no commit of its own. What is refused stays undecided: whoever carries the
command out finds the same refusal, and says it. Where there is no way to workers nothing is looked at.
"""

from __future__ import annotations

from collections.abc import Iterable

from arkwright.core.commands import StartAttempt
from arkwright.core.instance import Instance
from arkwright.core.outcome import Failed
from arkwright.engine.commit import Share
from arkwright.engine.connections import Connections
from arkwright.engine.contexts import Contexts, connection_name
from arkwright.engine.placement import Placement
from arkwright.nodes.base import Context, NodeImplementation
from arkwright.nodes.registry import Registry
from arkwright.store.base import Place


class Placing:
    def __init__(
        self, *, placement: Placement, registry: Registry, contexts: Contexts, connections: Connections | None
    ) -> None:
        self._placement = placement
        self._registry = registry
        self._contexts = contexts
        self._connections = connections

    def at_once(self, share: Share) -> bool:
        """Decide without a look into the store. Answers whether that did; else nothing is decided."""
        if not self._placement.elsewhere:
            return True
        found = [(each, self._told(share.after, each)) for each in _undecided(share)]
        if any(isinstance(told, tuple) for _, told in found):
            return False
        for command, told in found:
            if isinstance(told, str):
                share.place(command, told)
        return True

    async def decide(self, shares: Iterable[Share]) -> None:
        """Raises `StoreUnavailable`; then it may be asked again."""
        if not self._placement.elsewhere:
            return
        for share in shares:
            for command in _undecided(share):
                group = await self.group(share.after, command)
                if isinstance(group, str):
                    share.place(command, group)

    async def group(self, state: Instance, command: StartAttempt) -> str | Failed | None:
        """Where one runs: a group, `HERE`, or why it can't be done. None: nowhere, which will be said elsewhere. Raises
        `StoreUnavailable`."""
        told = self._told(state, command)
        if not isinstance(told, tuple):
            return told
        node, context = told
        agent = ""
        if self._connections is not None:
            place = Place(project_id=state.project_id, workspace_id=state.workspace_id)
            agent = await self._connections.agent_of(place, connection_name(context))
        return await self._placement.by_agent(node, context, agent) or self._placement.otherwise(node, context)

    def _told(self, state: Instance, command: StartAttempt) -> str | Failed | tuple[NodeImplementation, Context] | None:
        """A node with its context: its connection may say."""
        node = self._registry.find(command.type)
        context = node if isinstance(node, Failed) else self._contexts.texts(state, command)
        if isinstance(node, Failed) or isinstance(context, Failed):
            return None
        given = self._placement.given(node, context)
        if given is not None:
            return given
        return (node, context) if Contexts.connects(node, context) else self._placement.otherwise(node, context)


def _undecided(share: Share) -> list[StartAttempt]:
    return [each for each in share.commands if isinstance(each, StartAttempt) and not each.group]
