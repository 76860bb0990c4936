"""What a value can be on its way from one store to another, and what it is called at each end.

Theory: every reader gives values in one canonical form, every writer takes that form; in between a value is `None`, a
bool (BOOLEAN), bytes (BYTES), or the ISO text of everything else. Texts lose nothing (a DECIMAL of 60 digits, a BIGINT
UNSIGNED, microseconds), need no calendar, and are what `COPY` and multi-row `INSERT` take. INSTANT is always UTC, with
`+00` behind it.

A cast that can't be done raises `ValueError`; the row is refused then, with that reason.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any

import msgspec

Value = None | bool | bytes | str
Cast = Callable[[Any], Any]


class Kind(StrEnum):
    BOOLEAN = "boolean"
    INTEGER = "integer"
    DECIMAL = "decimal"
    DOUBLE = "double"
    TEXT = "text"
    BYTES = "bytes"
    DATE = "date"
    TIME = "time"
    TIMESTAMP = "timestamp"
    INSTANT = "instant"
    JSON = "json"


class Store(StrEnum):
    POSTGRES = "PostgreSQL"
    MYSQL = "MySQL"
    SQLITE = "SQLite"
    DUCKDB = "DuckDB"
    FILE = "file"


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    name: str
    kind: Kind = Kind.TEXT
    precision: int | None = None
    """Digits in all, of a DECIMAL; None: as many as there are."""
    scale: int | None = None
    length: int | None = None
    """Characters of a TEXT; None: any number."""


def made_type(column: Column, store: Store, *, key: bool = False) -> str:
    """The type of a column in a table that is made here. `key`: it can be part of a primary key."""
    digits = f"({column.precision},{column.scale or 0})" if column.precision else ""
    length = column.length
    match store, column.kind:
        case Store.POSTGRES, Kind.TEXT:
            return f"varchar({length})" if length else "text"
        case Store.POSTGRES, Kind.DECIMAL:
            return f"numeric{digits}"
        case Store.POSTGRES, kind:
            return _POSTGRES[kind]
        case Store.MYSQL, Kind.TEXT:
            if key:
                return f"varchar({min(length or 255, 255)})"
            return f"varchar({length})" if length and length <= _VARCHAR else "longtext"
        case Store.MYSQL, Kind.DECIMAL:
            return f"decimal{digits if digits and column.precision and column.precision <= 65 else '(65,30)'}"
        case Store.MYSQL, kind:
            return _MYSQL[kind]
        case Store.SQLITE, Kind.DECIMAL:
            return f"DECIMAL_TEXT{digits}"  # with TEXT in its name SQLite keeps all digits
        case Store.SQLITE, kind:
            return _SQLITE[kind]
        case Store.DUCKDB, Kind.JSON:
            return "JSON"
        case ((Store.DUCKDB | Store.FILE), Kind.DECIMAL):
            return f"DECIMAL{digits}" if column.precision and column.precision <= 38 else "VARCHAR"
        case _, kind:
            return _PARQUET[kind]


_VARCHAR = 4000
_POSTGRES = {
    Kind.BOOLEAN: "boolean",
    Kind.INTEGER: "bigint",
    Kind.DOUBLE: "double precision",
    Kind.BYTES: "bytea",
    Kind.DATE: "date",
    Kind.TIME: "time",
    Kind.TIMESTAMP: "timestamp",
    Kind.INSTANT: "timestamptz",
    Kind.JSON: "json",
}
_MYSQL = {
    Kind.BOOLEAN: "tinyint(1)",
    Kind.INTEGER: "bigint",
    Kind.DOUBLE: "double",
    Kind.BYTES: "longblob",
    Kind.DATE: "date",
    Kind.TIME: "time(6)",
    Kind.TIMESTAMP: "datetime(6)",
    Kind.INSTANT: "datetime(6)",
    Kind.JSON: "longtext",
}
_SQLITE = {
    Kind.BOOLEAN: "BOOLEAN",
    Kind.INTEGER: "INTEGER",
    Kind.DOUBLE: "REAL",
    Kind.TEXT: "TEXT",
    Kind.BYTES: "BLOB",
    Kind.DATE: "DATE_TEXT",
    Kind.TIME: "TIME_TEXT",
    Kind.TIMESTAMP: "TIMESTAMP_TEXT",
    Kind.INSTANT: "INSTANT_TEXT",
    Kind.JSON: "JSON_TEXT",
}
_PARQUET = {
    Kind.BOOLEAN: "BOOLEAN",
    Kind.INTEGER: "BIGINT",
    Kind.DOUBLE: "DOUBLE",
    Kind.TEXT: "VARCHAR",
    Kind.BYTES: "BLOB",
    Kind.DATE: "DATE",
    Kind.TIME: "TIME",
    Kind.TIMESTAMP: "TIMESTAMP",
    Kind.INSTANT: "TIMESTAMPTZ",
    Kind.JSON: "VARCHAR",
}

_NAMED = (
    (re.compile(r"bool"), Kind.BOOLEAN),
    (re.compile(r"decimal|numeric|hugeint|ubigint|bigint unsigned"), Kind.DECIMAL),
    (re.compile(r"^interval"), Kind.TEXT),
    (re.compile(r"^(tiny|small|medium|big|u)*int|^integer|^serial|^bigserial|^int\d|^u(tiny|small)?int"), Kind.INTEGER),
    (re.compile(r"double|float|real"), Kind.DOUBLE),
    (re.compile(r"timestamp ?with time zone|timestamptz|^instant"), Kind.INSTANT),
    (re.compile(r"timestamp|datetime"), Kind.TIMESTAMP),
    (re.compile(r"^date"), Kind.DATE),
    (re.compile(r"^time(?!.*(zone|tz))"), Kind.TIME),
    (re.compile(r"blob|bytea|binary|^bytes"), Kind.BYTES),
    (re.compile(r"^json"), Kind.JSON),
)
_DIGITS = re.compile(r"\((\d+)(?:\s*,\s*(\d+))?\)")


def named(name: str, type_name: str) -> Column:
    """The column of a type as SQL writes it; what is not known is TEXT."""
    word = type_name.strip().lower()
    kind = next((kind for pattern, kind in _NAMED if pattern.search(word)), Kind.TEXT)
    digits = _DIGITS.search(word)
    if word.endswith("[]"):
        return Column(name=name)
    if digits is None:
        return Column(name=name, kind=kind)
    first = int(digits[1])
    if kind is Kind.DECIMAL:
        return Column(name=name, kind=kind, precision=first, scale=int(digits[2] or 0))
    return Column(name=name, kind=kind, length=first if kind is Kind.TEXT and "char" in word else None)


def typed(columns: Sequence[Column], types: Mapping[str, str]) -> list[Column]:
    """Columns of a table that is made here, of the types that somebody has chosen for them."""
    given = {name.lower(): type_name for name, type_name in types.items()}
    return [named(each.name, given[each.name.lower()]) if each.name.lower() in given else each for each in columns]


def cast_of(source: Kind, target: Kind, store: Store) -> Cast | None:
    """From the canonical form of one kind to what the target's store takes for another; None: as it is."""
    steps = [each for each in (_canonical(source, target, store), _form(target, store)) if each is not None]
    if not steps:
        return None
    if len(steps) == 1:
        return steps[0]
    first, second = steps
    return lambda value: second(first(value))


def _canonical(source: Kind, target: Kind, store: Store) -> Cast | None:
    if source is target:
        return None
    if target is Kind.TEXT or target is Kind.JSON:
        return _TEXTS.get(source)
    if target is Kind.BOOLEAN:
        return _boolean
    if target is Kind.BYTES:
        return _bytes
    if source is Kind.BOOLEAN:
        return lambda value: "1" if value else "0"
    if source is Kind.BYTES:
        return hexadecimal
    if source is Kind.INSTANT and target in (Kind.TIMESTAMP, Kind.DATE, Kind.TIME):
        return _local if target is Kind.TIMESTAMP else _part(target)
    if source is Kind.TIMESTAMP and target is Kind.INSTANT:
        return lambda value: f"{value}+00"
    if store in (Store.SQLITE, Store.DUCKDB, Store.FILE):  # the others look themselves, and let nothing pass
        return _CHECKS.get(target)
    return None


def _form(target: Kind, store: Store) -> Cast | None:
    match store, target:
        case ((Store.SQLITE | Store.MYSQL), Kind.BOOLEAN):
            return int
        case Store.SQLITE, Kind.INTEGER:
            return _integer
        case Store.SQLITE, Kind.DOUBLE:
            return float
        case Store.MYSQL, Kind.INSTANT:
            return _local
        case _:
            return None


def hexadecimal(value: bytes) -> str:
    return f"\\x{value.hex()}"


_TEXTS: dict[Kind, Cast] = {Kind.BOOLEAN: lambda value: "true" if value else "false", Kind.BYTES: hexadecimal}
_TRUE = frozenset({"true", "t", "1", "yes", "y", "on"})
_FALSE = frozenset({"false", "f", "0", "no", "n", "off"})


def _boolean(value: Any) -> bool:
    word = value.decode() if isinstance(value, bytes) else str(value)
    word = word.strip().lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise ValueError(f"{value!r} is no boolean")


def _bytes(value: Any) -> bytes:
    if isinstance(value, bool):
        raise ValueError("a boolean is no bytes")  # a row's fault, not ours
    return bytes.fromhex(value[2:]) if value.startswith("\\x") else value.encode()


def _integer(value: str) -> int:
    number = int(value)
    if not -(1 << 63) <= number < 1 << 63:
        raise ValueError(f"{value} is too large for an integer of 64 bits")
    return number


def _local(value: str) -> str:
    return value[:-3] if value.endswith("+00") else value


def _part(kind: Kind) -> Cast:
    position = 0 if kind is Kind.DATE else 1
    return lambda value: _local(value).split(" ")[position]


def _checked_by(read: Callable[[str], object]) -> Cast:
    def check(value: str) -> str:
        read(value)
        return value

    return check


def _decimal(value: str) -> object:
    try:
        return Decimal(value)
    except InvalidOperation:
        raise ValueError(f"{value!r} is no number") from None


def _instant(value: str) -> str:
    moment = dt.datetime.fromisoformat(value)
    moment = moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
    return moment.astimezone(dt.UTC).replace(tzinfo=None).isoformat(" ") + "+00"


_CHECKS: dict[Kind, Cast] = {
    Kind.INTEGER: _checked_by(_integer),
    Kind.DECIMAL: _checked_by(_decimal),
    Kind.DOUBLE: _checked_by(float),
    Kind.DATE: _checked_by(dt.date.fromisoformat),
    Kind.TIME: _checked_by(dt.time.fromisoformat),
    Kind.TIMESTAMP: _checked_by(dt.datetime.fromisoformat),
    Kind.INSTANT: _instant,
    Kind.JSON: _checked_by(msgspec.json.decode),
}
