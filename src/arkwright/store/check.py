# ruff: noqa: S608 -- the texts are put together from constants
"""Whether a database holds together: what must be true of it, looked up, and counters counted anew.

Rules: a check reads one moment and changes nothing; servers may go on. Each says what it looked at, how many things
are wrong, and names a few. Only counters are repaired, since they follow from what they count.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from arkwright.store import encoding, migration
from arkwright.store.copy_ends import End
from arkwright.store.counters import ALL_JOBS, WIDTHS
from arkwright.store.work import Row, Work, one

NAMED = 5
"""Things that a finding names."""
_BATCH = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    check: str
    looked_at: str
    wrong: int = 0
    named: Sequence[str] = field(default_factory=tuple)
    hint: str = ""

    @property
    def fine(self) -> bool:
        return not self.wrong


_KEY = "place_id, job_id, bucket, status, type, force_success, ignore_success, n"


def _counted(width: int, job: str) -> str:
    return f"""
        SELECT place_id, {job} AS job_id, at_ms / {width} AS bucket, status, type, force_success, ignore_success,
        count(*) AS n FROM instance GROUP BY 1, 2, 3, 4, 5, 6, 7"""


def _both_ways(counted: str, stored: str) -> str:
    return f"""
        SELECT * FROM (SELECT * FROM ({counted}) AS a EXCEPT SELECT * FROM ({stored}) AS b) AS c
        UNION ALL SELECT * FROM (SELECT * FROM ({stored}) AS d EXCEPT SELECT * FROM ({counted}) AS e) AS f"""


_DEFINITIONS = "SELECT place_id, kind, category, count(*) AS n FROM definition WHERE deleted = 0 GROUP BY 1, 2, 3"
_DEFINITION_COUNTS = "SELECT place_id, kind, category, n FROM definition_count WHERE n <> 0"

# (table, columns that name a row, the condition of one that belongs to nothing)
_NO_INSTANCE = "NOT EXISTS (SELECT 1 FROM instance i WHERE i.id = t.instance_id)"
_NO_DEFINITION = "NOT EXISTS (SELECT 1 FROM definition d WHERE d.id = t.{column})"
_NO_TRIGGER = "NOT EXISTS (SELECT 1 FROM event_trigger e WHERE e.id = t.trigger_id)"
_NO_PLACE = "NOT EXISTS (SELECT 1 FROM place p WHERE p.id = t.place_id)"
ORPHANS: Sequence[tuple[str, str, str]] = (
    ("node_run", "instance_id, idx", _NO_INSTANCE),
    ("attempt", "instance_id, node, attempt", _NO_INSTANCE),
    ("posted", "id", _NO_INSTANCE),
    ("event_kept", "instance_id, seq", _NO_INSTANCE),
    ("planned", "job_id, plan_ms", _NO_INSTANCE),
    ("watched", "job_id, instance_id", _NO_INSTANCE),
    ("slot", "instance_id, node", _NO_INSTANCE),
    ("definition_version", "definition_id, version", _NO_DEFINITION.replace("{column}", "definition_id")),
    ("definition_name", "definition_id", _NO_DEFINITION.replace("{column}", "definition_id")),
    ("schedule", "job_id", _NO_DEFINITION.replace("{column}", "job_id")),
    ("trigger_position", "trigger_id, source", _NO_TRIGGER),
    ("trigger_mark", "trigger_id, object", _NO_TRIGGER),
    ("instance", "id", _NO_PLACE),
    ("definition", "id", _NO_PLACE),
)
_OWNERLESS = """
    SELECT id, owner FROM instance WHERE ended = 0 AND owner IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM engine e WHERE e.name = instance.owner) ORDER BY id"""
_UNPINNED = "SELECT definition_id, version FROM definition_version WHERE definition_id {in_ids}"


async def check(end: End) -> Sequence[Finding]:
    """The end is open. A schema that is not this program's is one finding, and the only one."""
    level, known = await end.schema_level(), migration.migrations("sqlite")[-1].number
    schema = Finding(
        check="schema",
        looked_at=f"version {level}, this program's is {known}",
        wrong=int(level != known),
        hint=_schema_hint(level, known),
    )
    if not schema.fine:
        return [schema]
    return [
        schema,
        await _instance_counters(end),
        await _compared(end, "definition counters", _DEFINITIONS, _DEFINITION_COUNTS),
        *await _instances(end),
        await _owned(end),
        await _orphans(end),
    ]


def _schema_hint(level: int, known: int) -> str:
    if not level:
        return "This database holds no installation yet."
    return "arkwright db upgrade" if level < known else "Use the Arkwright that made it."


async def _instance_counters(end: End) -> Finding:
    wrong, named = 0, []
    for width in WIDTHS:
        for job, condition in (("job_id", f"<> {ALL_JOBS}"), (str(ALL_JOBS), f"= {ALL_JOBS}")):
            stored = f"SELECT {_KEY} FROM instance_count WHERE width_ms = {width} AND job_id {condition}"
            found = await _rows(end, _both_ways(_counted(width, job), stored))
            wrong += found[0]
            named += [f"width {width} ms: {_shown(row)}" for row in found[1]]
    return Finding(
        check="instance counters",
        looked_at="counters of lists against what they count",
        wrong=wrong,
        named=named[:NAMED],
        hint="arkwright db check --repair",
    )


async def _compared(end: End, name: str, counted: str, stored: str) -> Finding:
    wrong, rows = await _rows(end, _both_ways(counted, stored))
    return Finding(
        check=name,
        looked_at="counters of lists against what they count",
        wrong=wrong,
        named=[_shown(row) for row in rows],
        hint="arkwright db check --repair",
    )


async def _instances(end: End) -> Sequence[Finding]:
    """Every instance can be read, and every version that one runs by is there."""
    seen: dict[tuple[int, int], int] = {}
    broken: list[str] = []
    count = 0
    async for batch in end.rows("instance", ("id", "body")):
        for instance_id, body in batch:
            count += 1
            try:
                instance = encoding.instance(body)
            except msgspec.MsgspecError as error:
                broken.append(f"instance {instance_id}: {error}")
                continue
            seen.setdefault((instance.job_id, instance.job_version), instance_id)
            for script in instance.script_versions.values():
                seen.setdefault(script, instance_id)
    there: set[tuple[int, int]] = set()
    ids = sorted({definition_id for definition_id, _ in seen})
    for start in range(0, len(ids), _BATCH):
        rows = await end.do(_statement(_UNPINNED, encoding.array(ids[start : start + _BATCH])))
        there.update((row[0], row[1]) for row in rows)
    missing = sorted(set(seen) - there)
    readable = Finding(
        check="instances",
        looked_at=f"whether {count} instances can be read",
        wrong=len(broken),
        named=broken[:NAMED],
        hint="They are left alone and left out of lists. A newer version's can be read by that version.",
    )
    pinned = Finding(
        check="pinned versions",
        looked_at=f"{len(seen)} versions that {count} instances run by",
        wrong=len(missing),
        named=[
            f"version {version} of definition {definition}, of instance {seen[definition, version]}"
            for definition, version in missing[:NAMED]
        ],
        hint="Such an instance can't be restarted; one that has not ended ends with that reason at the next start.",
    )
    return readable, pinned


async def _owned(end: End) -> Finding:
    live = (await end.do(_statement("SELECT count(*) FROM instance WHERE ended = 0")))[0][0]
    wrong, rows = await _rows(end, _OWNERLESS)
    return Finding(
        check="owners",
        looked_at=f"{live} instances that have not ended",
        wrong=wrong,
        named=[f"instance {row[0]} belongs to {row[1]}, which no server answers to" for row in rows],
        hint="arkwright db check --repair lets any server take them up.",
    )


async def _orphans(end: End) -> Finding:
    wrong, named = 0, []
    for table, columns, condition in ORPHANS:
        count, rows = await _rows(end, f"SELECT {columns} FROM {table} t WHERE {condition}")
        wrong += count
        named += [f"{table} {_shown(row)}" for row in rows]
    return Finding(
        check="orphans",
        looked_at=f"rows of {len(ORPHANS)} tables that belong to something",
        wrong=wrong,
        named=named[:NAMED],
        hint="They take room and are read by nobody.",
    )


async def _rows(end: End, text: str) -> tuple[int, Sequence[Row]]:
    """How many there are, and a few of them."""
    count = (await end.do(_statement(f"SELECT count(*) FROM ({text}) AS found")))[0][0]
    rows = await end.do(_statement(f"SELECT * FROM ({text}) AS found LIMIT {NAMED}")) if count else ()
    return count, rows


def _statement(text: str, *params: object) -> Work[Sequence[Row]]:
    return (yield one(text, *params))


def _shown(row: Row) -> str:
    return ", ".join(str(value) for value in row)


def repairs(execute: Callable[[str], Any]) -> list[Any]:
    """The statements that make counters and owners right, each given to `execute`, in one transaction."""
    done = [execute("DELETE FROM instance_count"), execute("DELETE FROM definition_count")]
    for width in WIDTHS:
        for job in ("job_id", str(ALL_JOBS)):
            done.append(
                execute(
                    f"INSERT INTO instance_count (width_ms, {_KEY}) SELECT {width}, {_KEY} "
                    f"FROM ({_counted(width, job)}) AS counted"
                )
            )
    done.append(execute(f"INSERT INTO definition_count (place_id, kind, category, n) {_DEFINITIONS}"))
    done.append(
        execute(
            "UPDATE instance SET owner = NULL, session = 0 WHERE ended = 0 AND owner IS NOT NULL "
            "AND NOT EXISTS (SELECT 1 FROM engine e WHERE e.name = instance.owner)"
        )
    )
    return done
