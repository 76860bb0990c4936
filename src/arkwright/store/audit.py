# ruff: noqa: S608 -- the texts are put together from constants; every value is a parameter
"""Audit records: appended, and read page by page from the newest backwards.

A page goes on where the one before ended (`AuditFilter.before`), so the table may grow for years: what a page costs
depends on its length and on the time span that is asked for, never on what lies outside.
"""

from __future__ import annotations

from typing import Any

from arkwright.store.audit_record import AuditFilter, AuditRecord
from arkwright.store.work import Transaction, Work, one

_COLUMNS = (
    "at_ms, project_id, workspace_id, user_id, user_name, source, operation, object, outcome, message, request_id, id"
)
_INSERT = f"INSERT INTO audit ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_REFUSED = "refused"


def append(transaction: Transaction, id_: int, record: AuditRecord) -> Work[None]:
    texts = (
        record.project_id,
        record.workspace_id,
        record.user_id,
        record.user_name,
        record.source,
        record.operation,
        record.object,
        record.outcome,
        record.message,
        record.request_id,
    )
    yield one(_INSERT, record.at_ms, *map(_storable, texts), id_)


def _storable(text: str) -> str:
    """What a client sent may hold a NUL or half a surrogate pair, which a database refuses."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode()


def list_page(where: AuditFilter, limit: int) -> Work[list[AuditRecord]]:
    text = "workspace_id = ? AND at_ms >= ? AND at_ms <= ?"
    params: list[Any] = [where.workspace_id, where.from_ms, where.to_ms]
    for column in ("user_name", "operation", "object"):
        if value := getattr(where, column):
            text += f" AND {column} = ?"
            params.append(value)
    if where.outcome == _REFUSED:
        text += " AND outcome <> 'success'"
    elif where.outcome:
        text += " AND outcome = ?"
        params.append(where.outcome)
    if where.before is not None:
        text += " AND (at_ms, id) < (?, ?)"
        params += where.before
    rows = yield one(
        f"SELECT {_COLUMNS} FROM audit WHERE {text} ORDER BY at_ms DESC, id DESC LIMIT ?", *params, max(limit, 0)
    )
    names = _COLUMNS.split(", ")
    return [AuditRecord(**dict(zip(names, row, strict=True))) for row in rows]
