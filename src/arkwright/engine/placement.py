"""Where an attempt runs: on this machine, or on a worker of a group.

Rules, the first that applies:

1. the node's property `workerGroup` names a group, or `local`: this machine;
2. `agentName` of the connection that it uses, if a group of that name exists and there is a way to it (the documents'
   word for the machine that a connection is reached from; elsewhere it names something that isn't here);
3. the job's `workerGroup`, for nodes that can run elsewhere, once there is a way to any workers;
4. programs: the installation's default group, if there is a way to it. Everything else: this machine.

A node that is told where to run runs there or not at all. 2, 3 and 4 don't tell a node: one that can't run elsewhere,
by its type or by its settings, runs on this machine.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from arkwright.core.outcome import Failed, FailureKind
from arkwright.core.workers import GROUP, HERE, JOB_GROUP, Way, ways_to
from arkwright.nodes.base import Context, NodeImplementation, Work


class Placement:
    def __init__(
        self,
        *,
        ways: Sequence[Way],
        default_group: str = "",
        exists: Callable[[str], Awaitable[bool]] | None = None,
    ) -> None:
        """`ways`: to workers. `exists`: whether there is a group of that name."""
        self._ways = tuple(ways)
        self._default = default_group if ways_to(default_group, self._ways) else ""
        self._exists = exists

    @property
    def elsewhere(self) -> bool:
        """Whether anything can run on workers."""
        return bool(self._ways)

    def given(self, node: NodeImplementation, context: Context) -> str | Failed | None:
        """What the node itself says: a group, `HERE`, or why it can't be done. None: nothing."""
        group = context.properties.get(GROUP, "").strip()
        if not group:
            return None
        if group == HERE or node.type.work not in (Work.PROGRAM, Work.HOSTED):
            return HERE
        binding = binding_of(node, context)
        if binding is not None:
            return _refused(
                f"{binding} So it can't run on workers of the group {group!r}. Take {GROUP} away, or set it to {HERE}."
            )
        return self._reached(group, f"{GROUP} names")

    async def by_agent(self, node: NodeImplementation, context: Context, agent: str) -> str | None:
        """The group that its connection names by its agent."""
        if not agent or self._exists is None or not ways_to(agent, self._ways):
            return None
        return agent if binding_of(node, context) is None and await self._exists(agent) else None

    def otherwise(self, node: NodeImplementation, context: Context) -> str | Failed:
        """Where it runs when neither it nor a connection says so: a group, or `HERE`; or why it can't be done."""
        wished = context.properties.get(JOB_GROUP, "").strip() or (
            self._default if node.type.work is Work.PROGRAM and self._default else HERE
        )
        if wished == HERE or not self._ways or binding_of(node, context) is not None:
            return HERE
        return self._reached(wished, f"The job's {GROUP} names")

    def _reached(self, group: str, names: str) -> str | Failed:
        """The group, if there is a way to it."""
        if ways_to(group, self._ways):
            return group
        if not self._ways:
            return _refused(
                f"{names} the group {group!r}, and this server has no way to workers. "
                f"Start it with --executor, or set {GROUP} to {HERE}."
            )
        others = ", ".join(sorted({each for way in self._ways for each in way.groups}))
        return _refused(
            f"{names} the group {group!r}, and this server has ways to workers of {others} only. "
            f"Name one of these, or start it with --executor {group}=URL as well."
        )


def binding_of(node: NodeImplementation, context: Context) -> str | None:
    """What binds it to this machine, as a sentence; None: it can run on another one."""
    if node.type.work not in (Work.PROGRAM, Work.HOSTED) or not node.type.portable:
        return f"Nodes of type {node.type.name} work with files or objects on the server's machine."
    # As `isinstance` with `Bound`, which takes twenty times as long, and this is asked for every attempt.
    bound = getattr(node, "bound", None)
    found: str | None = bound(context) if bound is not None else None
    return found


def _refused(message: str) -> Failed:
    return Failed(kind=FailureKind.REFUSED, message=message)
