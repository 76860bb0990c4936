"""The workspace's environment variables, as an instance is given them when it is made.

Rules: an instance keeps what it was given, so that later changes don't touch it and its history can be replayed. The
values are definitions: expressions in them are evaluated when they are used (`core/resolve.py`).
"""

from __future__ import annotations

from collections.abc import Mapping

from arkwright.store.base import Definition, Kind, Place, Store

DOCUMENT = "environment"
"""Name of the one definition that holds them all: `{"params": [{"name", "type", "value"}]}`."""


async def read_environment(store: Store, place: Place) -> Mapping[str, str]:
    return _values(await store.get_definition(place, Kind.ENVIRONMENT, DOCUMENT))


def environment_in_hand(store: Store, place: Place) -> Mapping[str, str]:
    """Without waiting. Raises `LookupError` when that is not possible just now."""
    return _values(store.definition_in_hand(place, Kind.ENVIRONMENT, DOCUMENT))


def _values(found: Definition | None) -> Mapping[str, str]:
    return {} if found is None else {each["name"]: str(each["value"]) for each in found.body["params"]}
