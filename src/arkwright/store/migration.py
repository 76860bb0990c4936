"""Numbered, forward-only migrations: `migrations/NNNN_name.<dialect>.sql`, each run once, all of one start in one
transaction.

Theory of operation of rolling upgrades
---------------------------------------
A program's *level* is the newest migration that it knows. A migration says in its first line, `-- oldest: NNNN`, the
lowest level of a program that can work on the schema after it; without that line it is the migration's own number. So a
change is made in two steps, which may be releases apart:

* *expand*: add what the new program needs (tables, columns that may be empty or have a default), and say the level
  before. Servers of that level run on, beside new ones;
* *contract*: remove what no program of the last release needs any more, and say the level that does without it. A
  server below that level is refused at its start, and while one is still running, the migration is.
"""

from __future__ import annotations

import importlib.resources
import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from arkwright.errors import StoreUnavailable

_OLDEST = re.compile(r"-- oldest: (\d+)\n")
_NAME = re.compile(r"(\d{4})_\w+\.(\w+)\.sql")


class Migration(NamedTuple):
    number: int
    name: str
    sql: str

    @property
    def oldest(self) -> int:
        """The lowest level of a program that can work on the schema after this."""
        said = _OLDEST.match(self.sql)
        return int(said[1]) if said else self.number

    def statements(self) -> list[str]:
        """Each ends with a semicolon at the end of a line."""
        code = re.sub(r"^--.*\n", "", self.sql, flags=re.MULTILINE)
        return [statement.strip() for statement in re.split(r";\s*(?:\n|$)", code) if statement.strip()]


def migrations(dialect: str) -> list[Migration]:
    """In the order of their numbers, which have no gaps."""
    found: list[Migration] = []
    for file in importlib.resources.files("arkwright.store").joinpath("migrations").iterdir():
        match = _NAME.fullmatch(file.name)
        if match and match[2] == dialect:
            found.append(Migration(int(match[1]), file.name, file.read_text("utf-8")))
    return sorted(found)


def outstanding(known: Sequence[Migration], applied: Mapping[int, int]) -> list[Migration]:
    """Those still to run. `applied`: per migration that was run, the oldest level that can work on the schema after it.
    Raises `StoreUnavailable` if this program can't."""
    level = known[-1].number
    needed = max(applied.values(), default=0)
    if needed > level:
        raise StoreUnavailable(
            f"The database has schema version {max(applied)}, which needs a program that knows {needed}; "
            f"this program knows {level} at most.",
            hint="A newer Arkwright has used this database: run that version, or restore a backup made before.",
        )
    return [migration for migration in known if migration.number not in applied]


def check_others(steps: Sequence[Migration], running: Sequence[tuple[str, int]]) -> None:
    """`running`: (description, level) of servers that use the database now. Raises `StoreUnavailable` if one of them
    could not go on after these steps."""
    needed = max((step.oldest for step in steps), default=0)
    left = sorted(name for name, level in running if level < needed)
    if left:
        raise StoreUnavailable(
            f"These servers still run and can't work with this version's schema: {', '.join(left)}.",
            hint="Stop them (or bring them to the release before this one) and start again.",
        )
