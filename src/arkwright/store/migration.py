"""Numbered, forward-only migrations: `migrations/NNNN_name.<dialect>.sql`, each run once, all of one start in one
transaction. A schema newer than this program's is refused, never touched."""

from __future__ import annotations

import importlib.resources
import re
from collections.abc import Sequence
from typing import NamedTuple

from arkwright.errors import StoreUnavailable

_NAME = re.compile(r"(\d{4})_\w+\.(\w+)\.sql")


class Migration(NamedTuple):
    number: int
    name: str
    sql: str

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


def outstanding(known: Sequence[Migration], applied: int) -> list[Migration]:
    """Those still to run on a schema at version `applied`."""
    newest = known[-1].number
    if applied > newest:
        raise StoreUnavailable(
            f"The database has schema version {applied}; this program knows {newest} at most.",
            hint="A newer Arkwright has used this database: run that version, or restore a backup made before.",
        )
    return [migration for migration in known if migration.number > applied]
