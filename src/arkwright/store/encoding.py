"""Records to column values and back. Bodies are JSON texts, so that an operator can read a row.

Columns beside a body repeat what queries need; the body is the truth that is read back.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from arkwright.core.events import AttemptEnded, Event
from arkwright.core.identity import AccessKey, Domain, IdentityRecord, Member, Project, Token, User, Workspace
from arkwright.core.instance import Instance, NodeRun
from arkwright.core.outcome import Outcome
from arkwright.errors import ArkwrightError
from arkwright.store.base import AttemptRow, Commit, Definition, Kind, Place
from arkwright.store.work import Row, Rows

_encode = msgspec.json.Encoder().encode
_instance = msgspec.json.Decoder(Instance).decode
_node_run = msgspec.json.Decoder(NodeRun).decode
_event: Any = msgspec.json.Decoder(Event).decode
_outcome: Any = msgspec.json.Decoder(Outcome).decode
_token = msgspec.json.Decoder(Token).decode
_document: Any = msgspec.json.Decoder(dict[str, Any]).decode

log = logging.getLogger("arkwright.store")

_UNREADABLE = "Was it written by a newer version, or by hand?"
_MOST_TOLD = 10_000
_told: set[int] = set()
"""Instances of which the log has it."""

IDENTITY_KINDS: Mapping[str, type[IdentityRecord]] = {
    "domains": Domain,
    "projects": Project,
    "users": User,
    "workspaces": Workspace,
    "members": Member,
    "access_keys": AccessKey,
}
_KIND_OF = {record: kind for kind, record in IDENTITY_KINDS.items()}


def text(value: Any) -> str:
    """A value as JSON text."""
    return _encode(value).decode()


def array(values: Iterable[Any]) -> str:
    """Numbers, or pairs of numbers, as the JSON array that the marks `{in_ids}` and `{ranges}` take."""
    return _encode(list(values)).decode()


def document(body: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = _document(body)
    return found


# ---------------------------------------------------------------- instances


class Counted(NamedTuple):
    """What lists filter and count an instance by."""

    place_id: int
    job_id: int
    at_ms: int
    status: str
    type: int
    force_success: int
    ignore_success: int


def counted(place_id: int, instance: Instance) -> Counted:
    start = instance.start_time_ms
    return Counted(
        place_id,
        instance.job_id,
        instance.plan_time_ms if start is None else start,
        instance.status.value,
        int(instance.instance_type),
        int(instance.force_success),
        int(instance.ignore_success),
    )


def instance_header(instance: Instance) -> str:
    """The instance without its node runs, which have rows of their own."""
    if instance.nodes:
        instance = msgspec.structs.replace(instance, nodes=())
    return _encode(instance).decode()


def instance(header: str) -> Instance:
    return _instance(header)


def instances(rows: Rows) -> list[Instance]:
    """From rows (id, header). One that can't be read is left out, so that it keeps nobody from the others."""
    found: list[Instance] = []
    for id_, header in rows:
        try:
            found.append(_instance(header))
        except msgspec.MsgspecError as error:
            if id_ not in _told:  # a list is asked for again and again
                if len(_told) >= _MOST_TOLD:
                    _told.clear()
                _told.add(id_)
                log.warning("instance %d can't be read (%s); it is left out of lists. %s", id_, error, _UNREADABLE)
    return found


def whole_instance(rows: Rows) -> Instance | None:
    """From rows (-1, header) and (index, node run), in this order. Raises `ArkwrightError` for what can't be read."""
    if not rows or rows[0][0] != -1:
        return None
    try:
        found = _instance(rows[0][1])
        if len(rows) == 1:
            return found
        return msgspec.structs.replace(found, nodes=tuple([_node_run(row[1]) for row in rows[1:]]))
    except msgspec.MsgspecError as error:
        raise ArkwrightError(f"A stored instance can't be read: {error}.", hint=_UNREADABLE) from error


def event_row(instance_id: int, seq: int, event: Event) -> Row:
    return (instance_id, seq, event.at_ms, type(event).__name__, _encode(event).decode())


def event(body: str) -> Event:
    found: Event = _event(body)
    return found


# ---------------------------------------------------------------- attempts

ATTEMPT_COLUMNS = (
    "instance_id, node, attempt, type, request, runner, epoch, lease_until_ms, cancel_requested, "
    "started_ms, ended_ms, outcome, worker_group"
)


def attempt_row(attempt: AttemptRow) -> Row:
    return (
        attempt.instance_id,
        attempt.node,
        attempt.attempt,
        attempt.type,
        text(attempt.request),
        attempt.runner,
        attempt.epoch,
        attempt.lease_until_ms,
        int(attempt.cancel_requested),
        attempt.started_ms,
        attempt.ended_ms,
        None if attempt.outcome is None else text(attempt.outcome),
        attempt.group,
    )


def attempt(row: Row) -> AttemptRow:
    return AttemptRow(
        instance_id=row[0],
        node=row[1],
        attempt=row[2],
        type=row[3],
        request=document(row[4]),
        runner=row[5],
        epoch=row[6],
        lease_until_ms=row[7],
        cancel_requested=bool(row[8]),
        started_ms=row[9],
        ended_ms=row[10],
        outcome=None if row[11] is None else _outcome(row[11]),
        group=row[12],
    )


def ended_rows(commit: Commit) -> list[Row]:
    """(time, outcome, instance, node, attempt) per attempt that ended: the time is that of its `AttemptEnded`, else
    of the newest event of the commit."""
    times = {(e.node, e.attempt): e.at_ms for e in commit.events if isinstance(e, AttemptEnded)}
    newest = max((e.at_ms for e in commit.events), default=0)
    return [
        (times.get((node, number), newest), text(outcome), commit.after.id, node, number)
        for node, number, outcome in commit.ended
    ]


# ---------------------------------------------------------------- definitions

DEFINITION_COLUMNS = (
    "id, name, category, directory, status, latest_version, submitted_version, "
    "created_ms, created_by, updated_ms, updated_by"
)


def definition(place: Place, kind: Kind, row: Row, version: int, body: Mapping[str, Any]) -> Definition:
    """From `DEFINITION_COLUMNS`."""
    return Definition(
        id=row[0],
        place=place,
        kind=kind,
        name=row[1],
        category=row[2],
        directory=row[3],
        status=row[4],
        version=version,
        latest_version=row[5],
        submitted_version=row[6],
        created_ms=row[7],
        created_by=row[8],
        updated_ms=row[9],
        updated_by=row[10],
        body=body,
    )


# ---------------------------------------------------------------- identity


def identity_row(record: IdentityRecord) -> Row:
    """(kind, key, body)."""
    if isinstance(record, Member):
        key = json.dumps([record.workspace_id, record.user_id])
    elif isinstance(record, AccessKey):
        key = record.access_key
    else:
        key = record.id
    return (_KIND_OF[type(record)], key, text(record))


def identity_records(kind: str, bodies: Sequence[str]) -> list[Any]:
    decode = msgspec.json.Decoder(IDENTITY_KINDS[kind]).decode
    return [decode(body) for body in bodies]


def token(body: str) -> Token:
    return _token(body)
