"""A node that names several connections is handed all of them, or refused before it starts."""

from __future__ import annotations

import asyncio
import base64
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from tests.servers.database import place_for

from arkwright.core.commands import StartAttempt
from arkwright.core.events import AttemptEnded, Event
from arkwright.core.instance import Instance
from arkwright.core.outcome import Failed, FailureKind
from arkwright.engine.clock import SystemClock
from arkwright.engine.connections import SEALED, Connections, bound_to
from arkwright.engine.dispatch import Dispatch
from arkwright.engine.folders import Folders
from arkwright.iam.sealing import Sealer
from arkwright.nodes.base import AttemptKey, Context, Work
from arkwright.nodes.registry import Registry
from arkwright.store.base import DefinitionWrite, Kind, Place
from arkwright.store.open import open_store

PLACE = Place(project_id="p" * 32, workspace_id="w" * 32)


class Recorder:
    """An executor that keeps what it is given."""

    def __init__(self) -> None:
        self.given: asyncio.Queue[Context] = asyncio.Queue()
        self.cancelled: list[AttemptKey] = []

    async def open(self, finished: Any) -> None:
        pass

    def submit(self, type_name: str, context: Context) -> None:
        self.given.put_nowait(context)

    attach = submit

    def cancel(self, key: AttemptKey) -> None:
        self.cancelled.append(key)

    async def close(self) -> None:
        pass


async def started(folder: Path, **properties: str) -> Context | Event:
    """What the executor was given, or what the engine was told instead."""
    store, sealer = open_store(place_for(folder)), Sealer(folder / "secret.key")
    await store.open()
    told: asyncio.Queue[Event] = asyncio.Queue()
    recorder = Recorder()
    dispatch = Dispatch(
        store=store,
        clock=SystemClock(),
        folders=Folders(folder),
        registry=Registry(group=None),
        executors={Work.HOSTED: recorder},
        local_programs_allowed=lambda _: False,
        tell=lambda _, event: told.put_nowait(event),
        holds=lambda _: True,
        name="here",
        connections=Connections(store, sealer),
    )
    try:
        for name, kind in (("one", "RDS"), ("two", "DWS"), ("mail", "HOST")):
            sealed = base64.b64encode(sealer.seal(bound_to(PLACE, name, "password"), f"secret of {name}")).decode()
            write = DefinitionWrite(
                name=name,
                category=kind,
                directory="/",
                body={"name": name, "config": {"ip": "10.0.0.1", "password": {SEALED: sealed}}},
                submit=True,
                actor="ada",
                at_ms=0,
            )
            await store.create_definition(PLACE, Kind.CONNECTION, write)
        state = SimpleNamespace(
            id=1, project_id=PLACE.project_id, workspace_id=PLACE.workspace_id, job_name="j", plan_time_ms=0
        )
        command = StartAttempt(
            instance_id=1, node=0, node_name="n", attempt=1, type="DataMigration", properties=properties
        )
        dispatch.carry_out(cast(Instance, state), [command])
        first, rest = await asyncio.wait(
            [asyncio.ensure_future(recorder.given.get()), asyncio.ensure_future(told.get())],
            return_when=asyncio.FIRST_COMPLETED,
            timeout=20,
        )
        for each in rest:
            each.cancel()
        return cast("Context | Event", first.pop().result())
    finally:
        await dispatch.close()
        await store.close()


BETWEEN = {"sourceTable": "a", "targetTable": "b"}


def test_both_connections_come_with_their_secrets_opened(tmp_path: Path) -> None:
    found = asyncio.run(started(tmp_path, sourceConnectionName="one", targetConnectionName="two", **BETWEEN))
    assert isinstance(found, Context)
    assert {name: each.config["password"] for name, each in found.connections.items()} == {
        "one": "secret of one",
        "two": "secret of two",
    }
    assert set(found.secrets) == {"secret of one", "secret of two"}


@pytest.mark.parametrize(
    ("given", "word"),
    [
        ({"sourceConnectionName": "one", "targetConnectionName": "absent", **BETWEEN}, "'absent'"),
        ({"sourceConnectionName": "mail", "targetConnectionName": "two", **BETWEEN}, "HOST"),
        ({"sourceConnectionName": "one", "targetConnectionName": "two"}, "sourceTable"),
    ],
)
def test_one_that_is_missing_or_of_another_type_refuses_the_node(
    tmp_path: Path, given: dict[str, str], word: str
) -> None:
    found = asyncio.run(started(tmp_path, **given))
    assert isinstance(found, AttemptEnded)
    assert isinstance(found.outcome, Failed)
    assert found.outcome.kind is FailureKind.REFUSED
    assert word in found.outcome.message
