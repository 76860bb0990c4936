"""The limits of mode `strict`: the cloud's documented quotas and rates. In mode `open`, the default, there are none of
these, only what protects the server (sizes of bodies and documents).

Rules:
* Rates are counted by this server alone, per second, of calls that came in: per operation (before anything else is
  done), and per user and operation (once the user is known). What is refused costs next to nothing and has no effect.
  Operations of our own have no documented rate, and no limit.
* Quotas are checked where a document is first written, whoever writes it (a client, an import). What is there already
  stays, and may be edited.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from arkwright.api.error_codes import JOB_QUOTA, SCRIPT_QUOTA
from arkwright.api.errors import HttpRefusal
from arkwright.api.route import Access, Route
from arkwright.errors import InvalidInput, TooManyRequests
from arkwright.store.base import Definition, DefinitionWrite, Kind, Place, Store

MANAGEMENT = "management center"
"""Tag of the Management Center's operations."""

JOBS = 10_000
REAL_TIME_JOBS = 500
SCRIPTS = 10_000
CONNECTIONS = 200
NODES = 200
TAGS = 100
DIRECTORY_DEPTH = 10
IMPORT_BYTES = 10 * 1024 * 1024
_OPEN_MODE = "The limit is the cloud's; ARKWRIGHT_LIMITS=open lifts it."


@dataclass(frozen=True, slots=True)
class Rate:
    """Calls per second of one operation."""

    in_all: int
    per_user: int | None


def rate_of(route: Route) -> Rate | None:
    """None: there is no documented one."""
    if route.ours or route.access is Access.PUBLIC:
        return None
    if route.tag == MANAGEMENT:
        return Rate(100, None)
    return {"v1": Rate(300, 30), "v1.0": Rate(300, 30), "v2": Rate(100, 10)}.get(route.version)


class Limits:
    """Counts calls. `seconds` is a clock that never goes back."""

    def __init__(self, seconds: Callable[[], float] = time.monotonic) -> None:
        self.seconds = seconds
        self._second = -1
        self._counts: Counter[tuple[str, ...]] = Counter()

    def admit(self, route: Route) -> None:
        """Count a call. Raises `TooManyRequests`."""
        rate = rate_of(route)
        if rate is not None:
            self._count((route.operation,), rate.in_all, "of all users together")

    def admit_user(self, route: Route, user_id: str) -> None:
        """Count a call of a user. Raises `TooManyRequests`."""
        rate = rate_of(route)
        if rate is not None and rate.per_user is not None:
            self._count((route.operation, user_id), rate.per_user, "of one user")

    def _count(self, what: tuple[str, ...], most: int, whose: str) -> None:
        second = int(self.seconds())
        if second != self._second:
            self._second = second
            self._counts.clear()
        if self._counts[what] >= most:
            raise TooManyRequests(
                f"{what[0]} takes {most} calls {whose} per second.", hint="Send it again after a second."
            )
        self._counts[what] += 1


class _StoreWithQuotas:
    """A store that refuses new documents beyond the quotas."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._one_by_one = asyncio.Lock()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def create_definition(self, place: Place, kind: Kind, write: DefinitionWrite) -> Definition:
        _check(kind, write)
        if kind not in (Kind.JOB, Kind.SCRIPT, Kind.CONNECTION):
            return await self._store.create_definition(place, kind, write)
        async with self._one_by_one:
            await self._check_room(place, kind, write.category)
            return await self._store.create_definition(place, kind, write)

    async def save_definition(self, place: Place, kind: Kind, name: str, write: DefinitionWrite) -> Definition:
        _check(kind, write)
        return await self._store.save_definition(place, kind, name, write)

    async def _check_room(self, place: Place, kind: Kind, category: str) -> None:
        match kind:
            case Kind.JOB:
                if await self._count(place, kind) >= JOBS:
                    raise HttpRefusal(JOB_QUOTA, f"A workspace holds at most {JOBS} jobs.", hint=_OPEN_MODE)
                if category == "REAL_TIME" and await self._count(place, kind, category) >= REAL_TIME_JOBS:
                    raise HttpRefusal(
                        JOB_QUOTA, f"A workspace holds at most {REAL_TIME_JOBS} real-time jobs.", hint=_OPEN_MODE
                    )
            case Kind.SCRIPT:
                if await self._count(place, kind) >= SCRIPTS:
                    raise HttpRefusal(SCRIPT_QUOTA, f"A workspace holds at most {SCRIPTS} scripts.", hint=_OPEN_MODE)
            case _:
                if await self._count(place, kind) >= CONNECTIONS:
                    raise InvalidInput(f"A workspace holds at most {CONNECTIONS} connections.", hint=_OPEN_MODE)

    async def _count(self, place: Place, kind: Kind, category: str | None = None) -> int:
        return (await self._store.list_definitions(place, kind, category=category, limit=1)).total


def with_quotas(store: Store) -> Store:
    return cast(Store, _StoreWithQuotas(store))


def _check(kind: Kind, write: DefinitionWrite) -> None:
    depth = len([part for part in write.directory.split("/") if part])
    if depth > DIRECTORY_DEPTH:
        raise InvalidInput(
            f"directory has {depth} levels; {DIRECTORY_DEPTH} is the most.", field="directory", hint=_OPEN_MODE
        )
    if kind is not Kind.JOB:
        return
    nodes = write.body.get("nodes")
    if isinstance(nodes, list) and len(nodes) > NODES:
        raise InvalidInput(
            f"nodes must have at most {NODES} entries, not {len(nodes)}.", field="nodes", hint=_OPEN_MODE
        )
    basic = write.body.get("basicConfig")
    tags = basic.get("tags") if isinstance(basic, Mapping) else None
    if isinstance(tags, list) and len(tags) > TAGS:
        raise InvalidInput(f"A job has at most {TAGS} tags, not {len(tags)}.", field="tags", hint=_OPEN_MODE)
