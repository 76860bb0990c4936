"""An installation moved from one database to another: copied, proven, and the old one closed.

Theory of operation: the source is marked first (`installation.moved_to`), so that no server starts on it any more; then
it is copied, which is there as a whole or not at all. A move that was killed in the middle is begun again with the
same command: a target that holds a whole copy of this installation is compared with the source, and that is that; any
other one is empty, and is copied to. A move that fails takes the mark away again.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path

from arkwright.errors import AlreadyExists, IllegalState, StoreUnavailable
from arkwright.store.copy import Copied, Digest, Progress, check_free, check_level, copy
from arkwright.store.copy_ends import LIVING, End, SqliteEnd, now_ms
from arkwright.store.installation import MOVED_TO

WAITED_MS = 5 * 60 * 1000
"""How long the engines of the source are waited for on PostgreSQL before others take over what they ran."""
_MARK = "INSERT INTO installation (name, value) VALUES ('{name}', '{value}') ON CONFLICT (name) DO NOTHING"
_UNMARK = "DELETE FROM installation WHERE name = '{name}'"


def is_postgres(place: str) -> bool:
    return place.startswith(("postgresql://", "postgres://"))


def end(place: str, *, target: bool = False) -> End:
    """Of a `postgresql://` address, or of a database file's path."""
    if is_postgres(place):
        from arkwright.store.copy_postgres import PostgresEnd  # only when used: its driver takes time to load

        return PostgresEnd(place, target=target)
    return SqliteEnd(Path(place), target=target)


@contextlib.asynccontextmanager
async def opened(place: str, *, target: bool = False) -> AsyncGenerator[End, None]:
    made = end(place, target=target)
    try:
        await made.open()
        yield made
    finally:
        await made.close()


async def move(source: str, target: str, *, progress: Progress, keep: bool = False) -> Sequence[Copied]:
    """`keep`: leave the source open, as for a trial. The caller holds the locks of data folders. Raises as `copy`."""
    async with opened(source) as old:
        await check_level(old)
        await check_free(old)
        name = end(target).name
        went = await old.value(MOVED_TO)
        if went is not None and went != name:
            raise IllegalState(
                f"The installation in {old.name} has moved to {went} already.",
                hint="To move from here once more, first: arkwright db reopen.",
            )
        if went is not None and await _holds(target, await old.value("id")):
            async with opened(target) as new:
                return await compared(old, new)
    await _check_free_target(target)
    if not keep and went is None:
        await mark(source, name)
    try:
        async with opened(source) as old, opened(target, target=True) as new:
            until = now_ms() + WAITED_MS if is_postgres(target) else 0
            return await copy(old, new, progress=progress, lease_until_ms=until)
    except BaseException:
        if not keep:
            await reopen(source)
        raise


async def compared(old: End, new: End) -> Sequence[Copied]:
    """What both hold. Raises `AlreadyExists` if that is not the same: servers have worked on the target."""
    found = []
    for table, columns in (await old.tables()).items():
        if table in LIVING | {"engine", "installation"}:
            continue
        one = Copied(table=table, source=Digest(), target=Digest())
        async for batch in old.rows(table, columns):
            one.source.add(batch)
        async for batch in new.rows(table, columns):
            one.target.add(batch)
        if str(one.source) != str(one.target):
            raise AlreadyExists(
                f"{new.name} holds this installation already, and its table {table} is another one by now.",
                hint="The move was over: start servers there.",
            )
        found.append(one)
    return found


async def _holds(place: str, installation_id: str | None) -> bool:
    """Whether there is a copy of that installation."""
    if not is_postgres(place) and not Path(place).exists():  # noqa: ASYNC240 -- nothing else goes on
        return False
    async with opened(place) as found:
        return bool(await found.schema_level()) and await found.value("id") == installation_id


async def _check_free_target(place: str) -> None:
    if not is_postgres(place):
        if Path(place).exists():  # noqa: ASYNC240
            raise AlreadyExists(f"{place} exists already.", hint="A copy never overwrites a database.")
        return
    async with opened(place) as found:
        await check_free(found)


async def mark(place: str, target: str) -> None:
    """From now on nothing starts on this database."""
    await _execute(place, _MARK.format(name=MOVED_TO, value=target.replace("'", "''")))


async def reopen(place: str) -> bool:
    """Take the mark away; False: there was none."""
    async with opened(place) as found:
        if not await found.schema_level() or await found.value(MOVED_TO) is None:
            return False
    await _execute(place, _UNMARK.format(name=MOVED_TO))
    return True


async def _execute(place: str, statement: str) -> None:
    if is_postgres(place):
        import asyncpg  # type: ignore[import-untyped]

        from arkwright.store.copy_postgres import FAILURES

        try:
            connection = await asyncpg.connect(place, timeout=10)
            try:
                await connection.execute(statement)
            finally:
                await connection.close()
        except FAILURES as error:
            name = end(place).name
            raise StoreUnavailable(
                f"The database {name} can't be written: {str(error) or type(error).__name__}."
            ) from error
        return
    try:
        with contextlib.closing(sqlite3.connect(place, isolation_level=None)) as database:
            database.execute("PRAGMA synchronous = FULL")
            database.execute(statement)
    except sqlite3.Error as error:
        raise StoreUnavailable(f"The database {place} can't be written: {error}.") from error
