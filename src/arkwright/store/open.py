"""Which store a setting names."""

from __future__ import annotations

import os

from arkwright.store.base import Store


def open_store(where: str | os.PathLike[str], *, frozen_seconds: float | None = None) -> Store:
    """The store at a `postgresql://` address, or in the SQLite file of that path. Await `open()` before using it.

    `frozen_seconds`: how long a process that says nothing may keep rows of a shared database from others."""
    place = os.fspath(where)
    if place.startswith(("postgresql://", "postgres://")):
        from arkwright.store.postgres import PostgresStore  # only when used: its driver takes time to load

        return PostgresStore(place) if frozen_seconds is None else PostgresStore(place, frozen_seconds=frozen_seconds)
    from arkwright.store.sqlite import SqliteStore

    return SqliteStore(place)
