"""The installation's own records: its id, id blocks, places, identity, tokens."""

from __future__ import annotations

from collections.abc import Sequence

from arkwright.core.identity import IdentityRecord, IdentitySnapshot, Token
from arkwright.store import encoding
from arkwright.store.base import Place
from arkwright.store.work import IDENTITY, Transaction, Work, many, one

MOVED_TO = "moved_to"
_VALUE = "SELECT value FROM installation WHERE name = ?"
_TOUCH = "UPDATE installation SET value = value WHERE name = 'id'"
_BLOCK = "UPDATE id_block SET next = next + ? WHERE name = 'id' RETURNING next"
_PLACE = "SELECT id FROM place WHERE project_id = ? AND workspace_id = ?"
_INSERT_PLACE = "INSERT INTO place (project_id, workspace_id) VALUES (?, ?) ON CONFLICT DO NOTHING"
_IDENTITY = "SELECT kind, body FROM identity ORDER BY kind, key"
_PUT_IDENTITY = """
    INSERT INTO identity (kind, key, body) VALUES (?, ?, ?)
    ON CONFLICT (kind, key) DO UPDATE SET body = excluded.body"""
_PUT_TOKEN = """
    INSERT INTO token (token_hash, body, expires_ms) VALUES (?, ?, ?)
    ON CONFLICT (token_hash) DO UPDATE SET body = excluded.body, expires_ms = excluded.expires_ms"""  # noqa: S105
_TOKEN = "SELECT body FROM token WHERE token_hash = ?"  # noqa: S105
_LIVE_TOKENS = "SELECT body FROM token WHERE expires_ms > ? ORDER BY expires_ms DESC"
_DELETE_TOKEN = "DELETE FROM token WHERE token_hash = ?"  # noqa: S105


def installation_id() -> Work[str]:
    rows = yield one(_VALUE, "id")
    value: str = rows[0][0]
    return value


def moved_to() -> Work[str | None]:
    """Where the installation went; this database is what it left behind."""
    rows = yield one(_VALUE, MOVED_TO)
    return rows[0][0] if rows else None


def touch(transaction: Transaction) -> Work[None]:
    """A write that changes nothing: it fails where a real one would."""
    yield one(_TOUCH)


def next_block(transaction: Transaction, count: int) -> Work[tuple[int, int]]:
    """A durable block of ids: [first, end). Whatever of it is not used before a crash is never used."""
    rows = yield one(_BLOCK, count)
    end: int = rows[0][0]
    return end - count, end


def find_place(place: Place) -> Work[int | None]:
    rows = yield one(_PLACE, place.project_id, place.workspace_id)
    return rows[0][0] if rows else None


def make_place(transaction: Transaction, place: Place) -> Work[int]:
    yield one(_INSERT_PLACE, place.project_id, place.workspace_id)
    rows = yield one(_PLACE, place.project_id, place.workspace_id)
    id_: int = rows[0][0]
    return id_


def read_identity() -> Work[IdentitySnapshot]:
    bodies: dict[str, list[str]] = {}
    for kind, body in (yield one(_IDENTITY)):
        bodies.setdefault(kind, []).append(body)
    return IdentitySnapshot(**{kind: encoding.identity_records(kind, found) for kind, found in bodies.items()})


def write_identity(transaction: Transaction, rows: Sequence[IdentityRecord]) -> Work[None]:
    if rows:
        yield many(_PUT_IDENTITY, [encoding.identity_row(record) for record in rows])
        transaction.channels.add(IDENTITY)


def put_token(transaction: Transaction, token: Token) -> Work[None]:
    yield one(_PUT_TOKEN, token.token_hash, encoding.text(token), token.expires_ms)


def get_token(token_hash: bytes) -> Work[Token | None]:
    rows = yield one(_TOKEN, token_hash)
    return encoding.token(rows[0][0]) if rows else None


def list_tokens(user_id: str, now_ms: int) -> Work[list[Token]]:
    """A day's tokens of everybody are read for it: few, and rarely asked for."""
    rows = yield one(_LIVE_TOKENS, now_ms)
    return [found for (body,) in rows if (found := encoding.token(body)).user_id == user_id]


def delete_token(transaction: Transaction, token_hash: bytes) -> Work[None]:
    yield one(_DELETE_TOKEN, token_hash)
