"""Saving what an import brings: one thing, one write, by the same rules as a save over the API.

What is answered is the subtask's message; what is raised is the reason why the subtask failed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from arkwright.api.call import Call
from arkwright.api.errors import HttpRefusal
from arkwright.api.v1.connection_body import canonical, read_connection_body, sealed, secrets_kept
from arkwright.api.v1.connections import check_others, write_of
from arkwright.api.v1.fields import wrong
from arkwright.api.v1.job_body import read_job_body
from arkwright.api.v1.jobs import BUSY_STATUSES, sealed_document
from arkwright.api.v1.resources import read_resource_body
from arkwright.api.v1.script_body import read_script_body
from arkwright.core.job_document import canonical_type
from arkwright.errors import IllegalState, InvalidInput
from arkwright.store.base import Definition, DefinitionWrite, Kind
from arkwright.transfer.archive import SUBMITTED
from arkwright.transfer.package import EntryKind
from arkwright.transfer.rewrite import Changes

Saver = Callable[[EntryKind, Mapping[str, Any]], Awaitable[str]]

CREATED = "Created."
OVERWRITTEN = "Overwritten."
SKIPPED = "Skipped: one of this name exists already."


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    overwrite: bool
    submit: bool | None
    """None: as the file says (`transfer.archive.SUBMITTED`), else yes."""
    changes: Changes


def saver(call: Call, policy: Policy) -> Saver:
    """Saves jobs, scripts and resources in the workspace of the call, in the name of its user."""

    async def save(kind: EntryKind, document: Mapping[str, Any]) -> str:
        with _as_reasons():
            match kind:
                case EntryKind.JOB:
                    return await _save_job(call, policy, document)
                case EntryKind.SCRIPT:
                    return await _save_script(call, policy, document)
                case EntryKind.RESOURCE:
                    return await _save_resource(call, policy, document)
                case EntryKind.CONNECTION:
                    raise InvalidInput("Connections are imported by themselves.")

    return save


async def _save_job(call: Call, policy: Policy, document: Mapping[str, Any]) -> str:
    document, submit, state = _states(document, policy)
    body = read_job_body(policy.changes.job(document))
    submitted = None if state is None else read_job_body(policy.changes.job({**state, "name": body.name})).document
    before = await call.parts.store.get_definition(call.place, Kind.JOB, body.name)
    if before is not None and policy.overwrite and before.status in BUSY_STATUSES:
        raise IllegalState(
            f"The job {body.name} is running by its schedule ({before.status}).",
            hint="Stop the schedule first, then import again.",
        )
    document = sealed_document(call, body.document, before)
    submitted = None if submitted is None else sealed_document(call, submitted, before)
    write = _write(call, body.name, body.process_type, body.directory, document, submit, submitted)
    return await _put(call, Kind.JOB, before, write, policy, first_status="STOPPED")


async def _save_script(call: Call, policy: Policy, document: Mapping[str, Any]) -> str:
    document, submit, state = _states(document, policy)
    body = read_script_body(policy.changes.script(document))
    kept = {"name": body.name, "type": body.type}
    submitted = None if state is None else read_script_body(policy.changes.script({**state, **kept})).document
    before = await call.parts.store.get_definition(call.place, Kind.SCRIPT, body.name)
    if before is not None and policy.overwrite and canonical_type(before.category) != canonical_type(body.type):
        raise InvalidInput(
            f"There is a script {body.name} of another type, {before.category}; a type can't be changed."
        )
    write = _write(call, body.name, body.type, body.directory, body.document, submit, submitted)
    return await _put(call, Kind.SCRIPT, before, write, policy)


async def _save_resource(call: Call, policy: Policy, document: Mapping[str, Any]) -> str:
    body = read_resource_body(document)
    before = await call.parts.store.get_definition(call.place, Kind.RESOURCE, body.name)
    if before is not None and policy.overwrite and before.category.lower() != body.type.lower():
        raise InvalidInput(
            f"There is a resource {body.name} of another type, {before.category}; a type can't be changed."
        )
    write = _write(call, body.name, body.type, body.directory, body.document, True, None)
    return await _put(call, Kind.RESOURCE, before, write, policy)


async def save_connection(
    call: Call, document: Mapping[str, Any], given: Mapping[str, Mapping[str, Any]], *, overwrite: bool
) -> str:
    """`given`: per connection its type and what to set in its configuration, secrets above all."""
    with _as_reasons():
        wanted = given.get(str(document.get("name")))
        if wanted is not None:
            config = document.get("config")
            plain = config if isinstance(config, dict) else {}
            document = {**document, "config": {**plain, **wanted["params"]}}
        body = read_connection_body(document, secrets_needed=False)
        if wanted is not None and wanted["type"] and canonical(wanted["type"]) != body.canonical:
            raise InvalidInput(
                f"params says that {body.name} is of type {wanted['type']}; in the file it is {body.type}."
            )
        before = await call.parts.store.get_definition(call.place, Kind.CONNECTION, body.name)
        if before is not None and not overwrite:
            return SKIPPED
        if before is not None:
            if canonical(before.category) != body.canonical:
                raise InvalidInput(
                    f"There is a connection {body.name} of another type, {before.category}; a type can't be changed."
                )
            body = secrets_kept(body, before.body)
        await check_others(call, body, before)
        document = sealed(body, call.place, call.parts.directory.sealer, before.body if before else None)
        write = write_of(call, body, document)
        if before is None:
            await call.parts.store.create_definition(call.place, Kind.CONNECTION, write)
            return CREATED
        await call.parts.store.save_definition(call.place, Kind.CONNECTION, body.name, write)
        return OVERWRITTEN


async def _put(
    call: Call, kind: Kind, before: Definition | None, write: DefinitionWrite, policy: Policy, *, first_status: str = ""
) -> str:
    if before is None:
        await call.parts.store.create_definition(call.place, kind, replace(write, status=first_status))
        return CREATED
    if not policy.overwrite:
        return SKIPPED
    await call.parts.store.save_definition(call.place, kind, write.name, write)
    return OVERWRITTEN


def _states(document: Mapping[str, Any], policy: Policy) -> tuple[dict[str, Any], bool, Mapping[str, Any] | None]:
    """The document as it was being developed, whether to submit it, and the other one that was submitted."""
    latest = {key: value for key, value in document.items() if key != SUBMITTED}
    if SUBMITTED not in document or policy.submit is not None:
        return latest, policy.submit is not False, None
    state = document[SUBMITTED]
    if state is not None and not isinstance(state, dict):
        raise wrong(SUBMITTED, "must be the submitted document, or null", state)
    return latest, False, state


def _write(
    call: Call,
    name: str,
    category: str,
    directory: str,
    body: Mapping[str, Any],
    submit: bool,
    submitted: Mapping[str, Any] | None,
) -> DefinitionWrite:
    return DefinitionWrite(
        name=name,
        category=category,
        directory=directory,
        body=body,
        submit=submit,
        submitted_body=submitted,
        actor=call.actor.user_name,
        at_ms=call.parts.now_ms(),
    )


@contextmanager
def _as_reasons() -> Iterator[None]:
    """A refusal of the API is a subtask's reason here."""
    try:
        yield
    except HttpRefusal as error:
        raise InvalidInput(
            " ".join(dict.fromkeys(filter(None, (error.row.text, error.message, error.hint))))
        ) from error
