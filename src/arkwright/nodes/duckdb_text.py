"""Results of SQL as text: the 2-D array that later nodes read, and a small table for the log."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

ROWS = 1000
CHARACTERS = 1_000_000
TABLE_ROWS = 20
TABLE_COLUMNS = 50
CELL_CHARACTERS = 40

Row = Sequence[str | None]


def as_text(value: Any) -> str | None:
    """A value that DuckDB has not turned into text itself."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def two_dimensional(rows: Sequence[Row]) -> tuple[str, int]:
    """JSON text of rows of strings (NULL: null), of at most `ROWS` rows and `CHARACTERS` characters; whole rows only.

    Returns the text and how many rows are in it.
    """
    parts: list[str] = []
    length = 2
    for row in rows[:ROWS]:
        text = msgspec.json.encode(row).decode()
        length += len(text) + 1
        if length > CHARACTERS + 1:  # the last row has no comma behind it
            break
        parts.append(text)
    return f"[{','.join(parts)}]", len(parts)


def table(columns: Sequence[str], rows: Sequence[Row]) -> str:
    """The first rows and columns, for people. NULL is shown as nothing."""
    shown = [columns, *rows[:TABLE_ROWS]]
    cells = [[_cell(text) for text in line[:TABLE_COLUMNS]] for line in shown]
    widths = [max(len(line[column]) for line in cells) for column in range(len(cells[0]))]
    lines = ["  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip() for line in cells]
    lines.insert(1, "  ".join("-" * width for width in widths))
    if len(columns) > TABLE_COLUMNS:
        lines.append(f"… and {len(columns) - TABLE_COLUMNS:,} more columns")
    return "\n".join(f"    {line}" for line in lines)


def _cell(text: str | None) -> str:
    line = "" if text is None else " ".join(text.split())
    return line if len(line) <= CELL_CHARACTERS else line[: CELL_CHARACTERS - 1] + "…"
