"""The connections that nodes name: found by name when an attempt is handed over, with their secrets opened.

Rules: secrets are sealed in the store, each bound to its workspace, connection and key. They are opened only here, for
the attempt that connects, and are among those that its log is scrubbed of. A connection is taken as it is when the
attempt begins: whoever changes a password need not save the jobs again.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from arkwright.core.outcome import Failed, FailureKind
from arkwright.engine.secret_references import References
from arkwright.errors import SettingInvalid
from arkwright.iam.sealing import Sealer
from arkwright.nodes.base import Connection
from arkwright.nodes.registry import canonical
from arkwright.store.base import Kind, Place, Store

SEALED = "$sealed"
"""The one key of the object that stands for a secret in a stored configuration."""

LOCAL = ("", "local")


class Connections:
    def __init__(self, store: Store, sealer: Sealer, references: References | None = None) -> None:
        self._store = store
        self._sealer = sealer
        self._references = references

    async def agent_of(self, place: Place, name: str) -> str:
        """The machine that it is reached from, by its own words; empty: it says nothing, or isn't there. Raises
        `StoreUnavailable`."""
        found = await self._store.get_definition(place, Kind.CONNECTION, name)
        agent = None if found is None else (found.body.get("config") or {}).get("agentName")
        return agent.strip() if isinstance(agent, str) else ""

    async def find(
        self, place: Place, name: str, types: tuple[str, ...]
    ) -> tuple[Connection, tuple[str, ...]] | Failed:
        """The connection and its secrets; or why a node that takes connections of these types can't use it. Raises
        `StoreUnavailable`."""
        found = await self._store.get_definition(place, Kind.CONNECTION, name)
        if found is None:
            return _refused(f"There is no connection {name!r} in this workspace: create it, or correct the name.")
        if canonical(found.category) not in {canonical(each) for each in types}:
            return _refused(
                f"The connection {name!r} is of type {found.category}; this node takes {' or '.join(types)}."
            )
        config = found.body.get("config") or {}
        try:
            opened = unsealed(config, place, name, self._sealer, self._references)
        except SettingInvalid as error:
            return _refused(f"The secrets of the connection {name!r} can't be had: {error}")
        secrets = tuple(str(opened[key]) for key in config if is_sealed(config[key]) and opened[key])
        return Connection(name=name, type=found.category, config=opened), secrets


def unsealed(
    config: Mapping[str, Any], place: Place, name: str, sealer: Sealer, references: References | None = None
) -> dict[str, Any]:
    """The configuration with its secrets, for who connects. Never for an answer. Raises `SettingInvalid`."""
    found = dict(config)
    for key, value in config.items():
        if is_sealed(value):
            secret = sealer.unsealed(bound_to(place, name, key), base64.b64decode(value[SEALED]))
            found[key] = secret.decode()
            if references is not None:
                found[key] = references.resolved(place.workspace_id, found[key])
    return found


def is_sealed(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get(SEALED), str)


def bound_to(place: Place, name: str, key: str) -> str:
    return f"connection {place.workspace_id}/{name}/{key}"


def _refused(message: str) -> Failed:
    return Failed(kind=FailureKind.REFUSED, message=message)
