"""Where an attempt runs: on this machine, or on a worker of a group.

Rules, the first that applies:

1. the node's property `workerGroup` names a group, or `local`: this machine;
2. `agentName` of the connection that it uses, if a group of that name exists (the documents' word for the machine that
   a connection is reached from; elsewhere it names something that isn't here);
3. the job's `workerGroup`, for nodes that can run elsewhere;
4. programs: the installation's default group, once there is a way to workers. Everything else: this machine.

A node that is told where to run runs there or not at all.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from arkwright.core.outcome import Failed, FailureKind
from arkwright.core.workers import GROUP, HERE, JOB_GROUP
from arkwright.nodes.base import Context, NodeImplementation, Work

PORTABLE = frozenset(
    {
        *("RESTAPI", "RDSSQL", "DWSSQL", "HiveSQL", "SparkSQL", "MRSImpalaSQL", "MRSPrestoSQL", "MRSHetuEngine"),
        *("MRSClickHouse", "DorisSQL", "CSS", "Shell", "Python"),
    }
)
"""Types that work with no file or object of this server."""


class Placement:
    def __init__(
        self,
        *,
        takes: bool,
        default_group: str = "",
        exists: Callable[[str], Awaitable[bool]] | None = None,
    ) -> None:
        """`takes`: whether there is a way to workers. `exists`: whether there is a group of that name."""
        self._takes = takes
        self._default = "" if default_group == HERE else default_group
        self._exists = exists

    def given(self, node: NodeImplementation, context: Context) -> str | Failed | None:
        """What the node itself says: a group, `HERE`, or why it can't be done. None: nothing."""
        group = context.properties.get(GROUP, "").strip()
        if not group:
            return None
        if group == HERE or node.type.work not in (Work.PROGRAM, Work.HOSTED):
            return HERE
        if not portable(node):
            return _refused(
                f"Nodes of type {node.type.name} work with files of the server, so they can't run on workers of the "
                f"group {group!r}. Take {GROUP} away, or set it to {HERE}."
            )
        if not self._takes:
            return _refused(
                f"{GROUP} names the group {group!r}, and this server has no way to workers. "
                f"Start it with --executor, or set {GROUP} to {HERE}."
            )
        return group

    async def by_connection(self, node: NodeImplementation, context: Context) -> str | None:
        """The group that a connection names by its agent."""
        if not self._takes or self._exists is None or context.connection is None or not portable(node):
            return None
        agent = str(context.connection.config.get("agentName") or "").strip()
        return agent if agent and await self._exists(agent) else None

    def otherwise(self, node: NodeImplementation, context: Context) -> str:
        """Where it runs when neither it nor a connection says so: a group, or `HERE`."""
        if not self._takes or not portable(node):
            return HERE
        return context.properties.get(JOB_GROUP, "").strip() or (
            self._default if node.type.work is Work.PROGRAM and self._default else HERE
        )


def portable(node: NodeImplementation) -> bool:
    """Whether it can run on another machine."""
    return node.type.work in (Work.PROGRAM, Work.HOSTED) and node.type.name in PORTABLE


def _refused(message: str) -> Failed:
    return Failed(kind=FailureKind.REFUSED, message=message)
