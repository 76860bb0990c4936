"""The workspace's environment variables, as an instance is given them when it is made.

Rules: an instance keeps what it was given, so that later changes don't touch it and its history can be replayed. The
values are definitions: expressions in them are evaluated when they are used (`core/resolve.py`).
"""

from __future__ import annotations

from collections.abc import Mapping

from arkwright.store.base import Kind, Place, Store

DOCUMENT = "environment"
"""Name of the one definition that holds them all: `{"params": [{"name", "type", "value"}]}`."""


async def read_environment(store: Store, place: Place) -> Mapping[str, str]:
    found = await store.get_definition(place, Kind.ENVIRONMENT, DOCUMENT)
    return {} if found is None else {each["name"]: str(each["value"]) for each in found.body["params"]}
