"""Carries a plan out, on a thread of its own: reads batch by batch, casts, writes, and commits once."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec

from arkwright.nodes.migration_ends import (
    Done,
    FateUnknown,
    MigrationFailed,
    Reader,
    Row,
    RowsRefused,
    Stop,
    TooManyRefused,
    Writer,
)
from arkwright.nodes.migration_plan import Plan
from arkwright.nodes.migration_types import Cast, Column, cast_of, hexadecimal

PROGRESS_SECONDS = 5.0
REFUSED = "rejected.jsonl"
TOKEN = "token"  # noqa: S105  # the name of a file
_SHOWN = 5

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    plan: Plan
    task: str
    """Whose high-water mark it is."""
    folder: Path
    """The attempt's."""
    refused_path: str
    read: Callable[[], Reader]
    write: Callable[[], Writer]
    put: Callable[[Path, str], None]
    say: Say
    stop: Stop
    scrubbed: Callable[[str], str]


def token_of(folder: Path) -> str:
    """The attempt's own mark, on disk before anything else of it happens."""
    path = folder / TOKEN
    if not path.exists():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = folder / f"{TOKEN}.draft"
        with draft.open("w") as file:
            file.write(secrets.token_hex(16))
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    return path.read_text()


def carry_out(work: Work) -> Done:
    """Raises `MigrationFailed`, `Stopped`. Nothing of it has happened then."""
    token = token_of(work.folder)
    refused = Refused(work)
    reader = writer = None
    try:
        reader = work.read()
        work.stop.reaches(reader.stop)
        work.stop.check()
        reader.open()
        writer = work.write()
        work.stop.reaches(writer.stop)
        work.stop.check()
        return _move(work, reader, writer, refused, token)
    except MigrationFailed:
        work.stop.check()  # what a stop broke off is no failure
        refused.publish()
        raise
    finally:
        for end in (reader, writer):
            if end is not None:
                end.close()
        refused.close()


def _move(work: Work, reader: Reader, writer: Writer, refused: Refused, token: str) -> Done:
    plan, say = work.plan, work.say
    come = [_lengthened(each, plan.length_factor) for each in _named(reader.columns, plan)]
    goes = writer.prepare(come)
    say(f"columns: {', '.join(f'{a.name} {a.kind} → {b.name} {b.kind}' for a, b in zip(come, goes, strict=True))}")
    refused.columns = come
    begun = writer.begin(token, work.task)
    if isinstance(begun, Done):
        say("an earlier life of this attempt has committed it already")
        return begun
    until = None
    if plan.incremental:
        since = begun if begun is not None else plan.start or None
        until = reader.limit(since)
        say(f"{plan.incremental} behind {since if since is not None else 'the beginning'}, up to {until}")
    casts = [
        (place, cast)
        for place, (a, b) in enumerate(zip(come, goes, strict=True))
        if (cast := cast_of(a.kind, b.kind, writer.store)) is not None
    ]
    written, began, told = 0, time.monotonic(), time.monotonic()
    for batch in reader.batches(refused.add_unread):
        work.stop.check()
        rows, origins = _cast(batch, casts, refused) if casts else (batch, None)
        written += _put(rows, origins or batch, refused.read, writer, refused, work.stop)
        refused.read += len(batch)
        if time.monotonic() - told >= PROGRESS_SECONDS:
            told = time.monotonic()
            say(f"{refused.read:,} rows read, {written:,} written, {refused.read / (told - began):,.0f} rows/s")
    work.stop.check()
    refused.publish()
    done = Done(read=refused.read, written=written, refused=refused.count, until=until)
    work.stop.committed = True
    work.stop.check()
    try:
        writer.commit(done)
    except MigrationFailed as failure:
        return _asked(work, writer, come, token, failure)
    seconds = time.monotonic() - began
    say(
        f"committed: {done.read:,} rows read, {done.written:,} written, {done.refused:,} refused, "
        f"{seconds:,.1f} s, {done.read / max(seconds, 0.001):,.0f} rows/s"
    )
    return done


def _asked(work: Work, writer: Writer, come: Sequence[Column], token: str, failure: MigrationFailed) -> Done:
    """A commit that failed may have happened: a repeat of the node would be another attempt, and double the rows."""
    writer.close()
    try:
        other = work.write()
        try:
            other.prepare(come)
            begun = other.begin(token, work.task)
        finally:
            other.close()
    except MigrationFailed as unanswered:
        raise FateUnknown(f"{failure} Whether it was committed can't be known: {unanswered}") from None
    if not isinstance(begun, Done):
        raise failure
    work.say("the commit was not answered; the target says that it has happened")
    return begun


def _named(columns: Sequence[Column], plan: Plan) -> list[Column]:
    """Under the names of the target."""
    if not plan.columns:
        return list(columns)
    return [replace(column, name=target) for column, (_, target) in zip(columns, plan.columns, strict=True)]


def _lengthened(column: Column, factor: int) -> Column:
    return column if factor == 1 or column.length is None else replace(column, length=column.length * factor)


def _cast(
    batch: Sequence[Row], casts: Sequence[tuple[int, Cast]], refused: Refused
) -> tuple[Sequence[Row], Sequence[Row]]:
    """The rows that can be cast, and what they were."""
    rows: list[Row] = []
    origins: list[Row] = []
    for number, row in enumerate(batch, refused.read + 1):
        values = list(row)
        place = 0
        try:
            for place, cast in casts:
                if values[place] is not None:
                    values[place] = cast(values[place])
        except (ValueError, TypeError, OverflowError, msgspec.MsgspecError) as error:
            refused.add(row, number, f"column {refused.columns[place].name}: {error}")
            continue
        rows.append(values)
        origins.append(row)
    return rows, origins


def _put(rows: Sequence[Row], origins: Sequence[Row], before: int, writer: Writer, refused: Refused, stop: Stop) -> int:
    """How many were written. Of rows that are refused together, each half is tried, down to those at fault."""
    if not rows:
        return 0
    try:
        writer.write(rows)
    except RowsRefused as reason:
        stop.check()
        if len(rows) == 1:
            refused.add(origins[0], before + 1, str(reason))
            return 0
        half = len(rows) // 2
        return _put(rows[:half], origins[:half], before, writer, refused, stop) + _put(
            rows[half:], origins[half:], before + half, writer, refused, stop
        )
    return len(rows)


class Refused:
    """Rows that were not taken: counted, written down with the reason, and too many of them end the migration."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._path = work.folder / REFUSED
        self._file: Any = None
        self.columns: Sequence[Column] = ()
        self.count = 0
        self.read = 0

    def add(self, row: Row, number: int, reason: str) -> None:
        values = {column.name: _shown(value) for column, value in zip(self.columns, row, strict=True)}
        self._keep({"row": number, "reason": reason, "values": values})

    def add_unread(self, text: Any, reason: str) -> None:
        self.read += 1
        self._keep({"reason": reason, "text": text})

    def _keep(self, entry: dict[str, Any]) -> None:
        self.count += 1
        if self._file is None:
            self._file = self._path.open("wb")
        self._file.write(self._work.scrubbed(msgspec.json.encode(entry).decode()).encode() + b"\n")
        if self.count <= _SHOWN:
            self._work.say(f"refused: row {entry.get('row', '?')}: {entry['reason']}")
        most = self._work.plan.most_refused
        if self.count > most:
            raise TooManyRefused(
                f"{self.count:,} rows were refused, and maxErrorRows is {most:,}; the last: {entry['reason']} "
                f"They are in {self._work.refused_path}; nothing was written to the target."
            )

    def publish(self) -> None:
        if self._file is None:
            return
        self._file.flush()
        self._work.put(self._path, self._work.refused_path)
        self._work.say(f"{self.count:,} refused rows are in {self._work.refused_path}")

    def close(self) -> None:
        if self._file is not None:
            self._file.close()


def _shown(value: Any) -> Any:
    return hexadecimal(value) if isinstance(value, bytes) else value
