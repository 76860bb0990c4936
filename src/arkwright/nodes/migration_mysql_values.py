"""MySQL's columns and values, as its protocol sends them and as its SQL writes them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from pymysql.constants import FIELD_TYPE
from pymysql.converters import escape_string

from arkwright.nodes.migration_ends import Row
from arkwright.nodes.migration_types import Column, Kind

_UNSIGNED, _BINARY_CHARSET, _BYTES_OF_CHARACTER = 32, 63, 4
_KINDS = {
    FIELD_TYPE.SHORT: Kind.INTEGER,
    FIELD_TYPE.INT24: Kind.INTEGER,
    FIELD_TYPE.LONG: Kind.INTEGER,
    FIELD_TYPE.YEAR: Kind.INTEGER,
    FIELD_TYPE.FLOAT: Kind.DOUBLE,
    FIELD_TYPE.DOUBLE: Kind.DOUBLE,
    FIELD_TYPE.DATE: Kind.DATE,
    FIELD_TYPE.NEWDATE: Kind.DATE,
    FIELD_TYPE.TIME: Kind.TIME,
    FIELD_TYPE.DATETIME: Kind.TIMESTAMP,
    FIELD_TYPE.TIMESTAMP: Kind.INSTANT,
    FIELD_TYPE.JSON: Kind.JSON,
}
_DECIMALS = (FIELD_TYPE.DECIMAL, FIELD_TYPE.NEWDECIMAL)
_TEXTS = (FIELD_TYPE.VARCHAR, FIELD_TYPE.VAR_STRING, FIELD_TYPE.STRING)
_LARGE = (FIELD_TYPE.BLOB, FIELD_TYPE.TINY_BLOB, FIELD_TYPE.MEDIUM_BLOB, FIELD_TYPE.LONG_BLOB)


def literal_of(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, str):
        return f"'{escape_string(value)}'"
    if isinstance(value, bytes):
        return f"x'{value.hex()}'" if value else "''"
    return str(int(value))


def column_of(field: Any) -> Column:
    code, length = field.type_code, field.length
    unsigned, binary = bool(field.flags & _UNSIGNED), field.charsetnr == _BINARY_CHARSET
    if code == FIELD_TYPE.TINY:
        return Column(name=field.name, kind=Kind.BOOLEAN if length == 1 else Kind.INTEGER)
    if code == FIELD_TYPE.BIT:
        return Column(name=field.name, kind=Kind.BOOLEAN if length == 1 else Kind.INTEGER)
    if code == FIELD_TYPE.LONGLONG:
        return Column(name=field.name, kind=Kind.DECIMAL, precision=20, scale=0) if unsigned else _whole(field)
    if code in _DECIMALS:
        digits = length - (field.scale > 0) - (not unsigned)
        return Column(name=field.name, kind=Kind.DECIMAL, precision=digits, scale=field.scale)
    if code in _TEXTS or code in _LARGE:
        if binary:
            return Column(name=field.name, kind=Kind.BYTES)
        return Column(name=field.name, length=length // _BYTES_OF_CHARACTER if code in _TEXTS else None)
    if code == FIELD_TYPE.GEOMETRY:
        return Column(name=field.name, kind=Kind.BYTES)
    return Column(name=field.name, kind=_KINDS.get(code, Kind.TEXT))


def _whole(field: Any) -> Column:
    return Column(name=field.name, kind=Kind.INTEGER)


def reading_of(field: Any) -> Callable[[Any], Any] | None:
    """From what the server sends to the canonical form."""
    kind = column_of(field).kind
    if field.type_code == FIELD_TYPE.BIT:
        number = int.from_bytes
        return (lambda value: number(value, "big") != 0) if kind is Kind.BOOLEAN else lambda v: str(number(v, "big"))
    if kind is Kind.BOOLEAN:
        return lambda value: value != "0"
    if kind is Kind.INSTANT:
        return lambda value: f"{value}+00"
    return None


def changed(row: Row, changes: Sequence[tuple[int, Callable[[Any], Any]]]) -> list[Any]:
    values = list(row)
    for place, change in changes:
        if values[place] is not None:
            values[place] = change(values[place])
    return values
