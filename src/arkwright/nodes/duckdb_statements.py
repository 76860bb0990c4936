"""Takes a script apart into statements, and refuses the ones that would break the rules of an attempt.

Rules
-----
* DuckDB's own parser splits; what it can't parse never runs, and nothing of the script has run before all of it was
  looked at.
* An attempt is one transaction that also records the attempt, so nothing may begin, end or leave it, and nothing may
  work outside of it: BEGIN, COMMIT, ROLLBACK, VACUUM, CHECKPOINT, ATTACH and so on are refused by kind. The list is of
  what is allowed; a kind of statement that we don't know is refused.
* PREPARE and EXECUTE, PRAGMA and CALL are refused, since they would hide the kind of what runs; each has an equal
  that is allowed. EXPLAIN is looked through.
* COPY … TO may only name a file below the workspace's `files`, as a plain text, and no option may lead away from there.
  DuckDB refuses other places itself, with one exception: it always allows the database's own files, which a COPY would
  destroy.
* The schema `arkwright`, where attempts are recorded, may be read and nothing else: whoever changes a record decides
  whether a node has run. So it can't be made the schema to work in, either.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import duckdb

from arkwright.nodes.dlisql import OWN_SCHEMA

CHANGING = frozenset({"INSERT", "UPDATE", "DELETE", "MERGE_INTO", "CREATE", "COPY"})
"""Kinds that answer with the number of rows they changed unless they return rows."""

ALLOWED = CHANGING | {"SELECT", "CREATE_FUNC", "DROP", "ALTER", "EXPLAIN", "SET", "VARIABLE_SET", "MULTI"}
"""MULTI is what DuckDB makes of PIVOT."""

_INSTEAD = {
    "TRANSACTION": "the node runs in a transaction of its own, which is committed when all of it has succeeded",
    "PRAGMA": "use SELECT * FROM pragma_…(…) to read, and no PRAGMA to change anything",
    "CALL": "use SELECT * FROM …(…)",
    "PREPARE": "write the statement itself",
    "EXECUTE": "write the statement itself",
    "EXPORT": "use COPY … TO for each table",
    "VACUUM": "it can't run in a transaction, and DuckDB cleans up by itself",
    "ATTACH": "the workspace has one database",
    "DETACH": "the workspace has one database",
    "LOAD": "extensions can't be installed or loaded",
}
_OWN = OWN_SCHEMA.encode()
_SCHEMA_SETTINGS = {b"schema", b"search_path"}
_SCHEMA_NAME = rb"""('[^']*'|"[^"]*"|[^\s'"()|$;]+)"""
_PLAIN_SCHEMA = re.compile(
    rb"(use|set( session| global)? (schema|search_path) (=|to)) "
    + _SCHEMA_NAME
    + rb"( \. "
    + _SCHEMA_NAME
    + rb")?( ;)*",
    re.IGNORECASE,
)
_PLAIN_EXTENSION = re.compile(rb"'?\w+(\.\w+)*'?")
_EXPLAIN = re.compile(rb"\s*explain\b(\s+analyze\b)?", re.IGNORECASE)
_DATA_CHANGING_WORDS = {b"insert", b"update", b"delete", b"merge", b"truncate"}


class StatementRefused(Exception):
    """A statement that must not run here; the text says which, why, and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    text: str
    kind: str
    """DuckDB's name for the kind, e.g. `INSERT`."""
    query: bool
    """It only reads, and can stand as a table inside of another query."""
    returning: bool = False
    """It changes rows and answers with some."""


def split(connection: duckdb.DuckDBPyConnection, script: str, files: Path) -> list[Statement]:
    """The statements of a script. Raises `StatementRefused`, and `duckdb.Error` for a text that is no SQL."""
    found = [_look_at(connection, each.query, _kind(each), files) for each in connection.extract_statements(script)]
    if not found:
        raise StatementRefused("There is no statement in the text, only comments.")
    return found


def _kind(statement: duckdb.Statement) -> str:
    try:
        return str(statement.type.name)
    except ValueError:  # kinds that DuckDB's Python package has no name for
        return "UNKNOWN"


def _look_at(connection: duckdb.DuckDBPyConnection, text: str, kind: str, files: Path) -> Statement:
    if kind not in ALLOWED:
        name = shorten(text, 60)
        known = "VACUUM" if "checkpoint" in text.lower() else kind  # DuckDB makes a CALL of a CHECKPOINT
        raise StatementRefused(
            f"The statement {name!r} can't run here: {_INSTEAD.get(known, 'it is of no kind that a node may run')}."
        )
    tokens = _tokens(text)
    if kind == "COPY":
        _check_copy(text, tokens, files)
    if kind == "EXPLAIN":
        _check_explained(connection, tokens, files)
    words = {token.lower() for token in tokens}
    changes = bool(words & _DATA_CHANGING_WORDS) and tokens[0].lower() == b"with"
    query = kind == "SELECT" and not changes
    if not query:
        _check_own_schema(text, kind, [_name(each) for each in tokens], tokens)
    return Statement(text=text, kind=kind, query=query, returning=not query and b"returning" in words)


def _check_own_schema(text: str, kind: str, names: list[bytes], tokens: list[bytes]) -> None:
    if kind == "SET" and (names[0] == b"use" or _SCHEMA_SETTINGS & set(names)) and names[0] != b"reset":
        if _PLAIN_SCHEMA.fullmatch(b" ".join(tokens)) is None:
            raise StatementRefused(f"The statement {shorten(text, 60)!r} must name the schema as a plain name.")
        touched = _OWN in text.lower().encode()
    else:
        qualified = any(name == _OWN and after == b"." for name, after in pairwise(names))
        touched = qualified or (kind in ("DROP", "ALTER") and b"schema" in names and _OWN in names)
    if touched:
        raise StatementRefused(
            f"The statement {shorten(text, 60)!r} can't run here: the schema {OWN_SCHEMA} holds the records of what "
            "has run, and can only be read, in a SELECT of its own."
        )


def _check_explained(connection: duckdb.DuckDBPyConnection, tokens: list[bytes], files: Path) -> None:
    """EXPLAIN ANALYZE runs what it explains."""
    text = b" ".join(tokens)
    match = _EXPLAIN.match(text)
    inner = text[match.end() :].decode() if match else ""
    try:
        explained = connection.extract_statements(inner)
    except duckdb.Error:
        explained = []
    if len(explained) != 1:
        raise StatementRefused(
            "EXPLAIN can't be used with options here; write EXPLAIN or EXPLAIN ANALYZE and a statement."
        )
    _look_at(connection, explained[0].query, _kind(explained[0]), files)


def _check_copy(text: str, tokens: list[bytes], files: Path) -> None:
    depth = 0
    directions = 0
    for index, token in enumerate(tokens):
        word = token.lower()
        if directions:
            _check_option(_name(token), tokens[index + 1 : index + 3])
        depth += (word == b"(") - (word == b")")
        if depth or word not in (b"to", b"from") or tokens[index - 1] == b".":
            continue
        directions += 1
        if word == b"to":
            _check_target(text, tokens[index + 1 : index + 3], files)
    if not directions:
        raise StatementRefused(f"The statement {shorten(text, 60)!r} can't be understood: no TO or FROM was found.")


def _check_option(name: bytes, following: list[bytes]) -> None:
    """Of what follows TO or FROM: an option, its value, or something else of that spelling, which loses nothing."""
    if name == b"filename_pattern":
        raise StatementRefused("The option FILENAME_PATTERN of COPY can't be used here.")
    if name != b"file_extension":
        return
    ends = len(following) > 1 and following[1] in (b",", b")")
    if not ends or _PLAIN_EXTENSION.fullmatch(following[0]) is None:
        raise StatementRefused("The option FILE_EXTENSION of COPY takes a plain text such as 'csv' here.")


def _check_target(text: str, following: list[bytes], files: Path) -> None:
    literal = following[0] if following else b""
    continued = len(following) > 1 and following[1].startswith(b"'")
    if not (len(literal) > 2 and literal.startswith(b"'") and literal.endswith(b"'")) or continued:
        raise StatementRefused(
            f"COPY … TO takes a plain file name in single quotes here, unlike {shorten(text, 60)!r}."
        )
    name = literal[1:-1].replace(b"''", b"'")
    root = os.path.realpath(files)
    place = os.path.realpath(os.path.join(os.fsencode(root), name)) if b"\0" not in name else b""  # noqa: PTH118
    if not place.startswith(os.fsencode(root) + b"/"):
        raise StatementRefused(f"COPY … TO {literal.decode()}: that is outside of the workspace's files.")


def _name(token: bytes) -> bytes:
    """The name that a token stands for, in the one spelling that DuckDB compares."""
    quoted = len(token) > 1 and token.startswith(b'"') and token.endswith(b'"')
    return (token[1:-1].replace(b'""', b'"') if quoted else token).lower()


def _tokens(text: str) -> list[bytes]:
    """The tokens without comments, each as its bytes."""
    raw = text.encode()
    places = [(place, kind) for place, kind in duckdb.tokenize(text)]
    ends = [place for place, _ in places[1:]] + [len(raw)]
    return [
        raw[place:end].strip()
        for (place, kind), end in zip(places, ends, strict=True)
        if kind != duckdb.token_type.comment
    ]


def as_table(statement: Statement) -> str:
    """The statement's text so that it can stand in brackets: without a closing semicolon."""
    raw = statement.text.encode()
    end = len(raw)
    for place, kind in reversed(duckdb.tokenize(statement.text)):
        if kind == duckdb.token_type.comment:
            continue
        if raw[place : place + 1] != b";":
            break
        end = place
    return raw[:end].decode()


def shorten(text: str, characters: int) -> str:
    """One line, for people."""
    line = " ".join(text.split())
    return line if len(line) <= characters else line[: characters - 1] + "…"
