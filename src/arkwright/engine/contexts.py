"""What a node is given, put together: texts with their secrets opened, folders, connections.

Rules: secrets are opened here, for the attempt that is handed over at this moment, and kept nowhere. Whoever hands an
attempt over (`dispatch` to an executor, `assignments` to a worker) gets the same context for it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from typing import TypeGuard, cast

from arkwright.core.commands import StartAttempt
from arkwright.core.instance import Instance
from arkwright.core.outcome import Failed, FailureKind
from arkwright.engine.connections import LOCAL, Connections
from arkwright.engine.folders import Folders
from arkwright.engine.vault import OpenedTexts, Vault
from arkwright.errors import SettingInvalid, StoreUnavailable
from arkwright.nodes.base import AttemptKey, Connection, Context, HostedNode, NamesConnections, NodeImplementation
from arkwright.store.base import Place

log = logging.getLogger("arkwright.engine")

RECONNECT_SECONDS = 1.0
"""Pause before a connection is looked up again when the store was unavailable."""


class Contexts:
    def __init__(
        self,
        *,
        folders: Folders,
        local_programs_allowed: Callable[[str], bool],
        vault: Vault | None = None,
        connections: Connections | None = None,
    ) -> None:
        self._folders = folders
        self._local_programs_allowed = local_programs_allowed
        self._vault = vault
        self._connections = connections

    def texts(self, state: Instance, command: StartAttempt) -> Context | Failed:
        """All but the connections."""
        key = AttemptKey(instance_id=state.id, node=command.node, attempt=command.attempt)
        try:
            texts = OpenedTexts(self._vault, state.workspace_id, command)
        except SettingInvalid as error:
            return Failed(kind=FailureKind.REFUSED, message=str(error))
        return Context(
            key=key,
            project_id=state.project_id,
            workspace_id=state.workspace_id,
            job_name=state.job_name,
            node_name=command.node_name,
            properties=texts.properties,
            script=texts.script,
            parameters=texts.parameters,
            secrets=texts.secrets,
            secret_places=texts.places,
            plan_time_ms=state.plan_time_ms,
            folder=self._folders.attempt(key),
            workspace_folder=self._folders.workspace(state.workspace_id),
            local_programs_allowed=self._local_programs_allowed(state.workspace_id),
        )

    @staticmethod
    def connects(node: NodeImplementation, context: Context) -> bool:
        """Whether it names connections."""
        if _names_several(node):
            return True
        return bool(node.type.connections) and connection_name(context) not in LOCAL

    async def connected(self, node: NodeImplementation, context: Context) -> tuple[Context, Failed | None]:
        """The context with its connections, as far as they were found; and what speaks against it."""
        if _names_several(node):
            return await self._several(node, context)
        if not self.connects(node, context):
            return context, None
        found = await self._found(context, connection_name(context), node.type.connections)
        if isinstance(found, Failed):
            return context, found
        connection, secrets = found
        return replace(context, connection=connection, secrets=(*context.secrets, *secrets)), None

    async def _several(self, node: NamesConnections, context: Context) -> tuple[Context, Failed | None]:
        """All connections that its settings name."""
        failure: Failed | None = None
        connections: dict[str, Connection] = {}
        secrets = context.secrets
        types = cast(HostedNode, node).type.connections
        try:
            names = await asyncio.to_thread(node.connection_names, context)
        except (ValueError, OSError) as error:
            names, failure = (), Failed(kind=FailureKind.REFUSED, message=str(error))
        for name in names:
            found = await self._found(context, name, types)
            if isinstance(found, Failed):
                failure = found
                break
            connections[name], more = found
            secrets = (*secrets, *more)
        return replace(context, connections=connections, secrets=secrets), failure

    async def _found(
        self, context: Context, name: str, types: tuple[str, ...]
    ) -> tuple[Connection, tuple[str, ...]] | Failed:
        if self._connections is None:
            return Failed(kind=FailureKind.REFUSED, message=f"Nothing here knows the connection {name!r}.")
        place = Place(project_id=context.project_id, workspace_id=context.workspace_id)
        while True:
            try:
                return await self._connections.find(place, name, types)
            except StoreUnavailable as error:
                log.error("the store is not available (%s); trying again", error)
                await asyncio.sleep(RECONNECT_SECONDS)


def _names_several(node: object) -> TypeGuard[NamesConnections]:
    """As `isinstance`, which takes twenty times as long for a protocol, and this is asked for every attempt."""
    return hasattr(node, "connection_names")


def connection_name(context: Context) -> str:
    """The node's own, else its script's."""
    script = context.script
    return context.properties.get("connectionName", "").strip() or (script.connection_name if script else "")
