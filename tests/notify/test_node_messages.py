"""What SMN nodes say: into the outbox once, from there to whom the topic reaches."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.notify.house import PLACE, Clock, define, in_loop, notice, opened, stored

from arkwright.core.alerts import Remind
from arkwright.core.job import Script
from arkwright.core.outcome import Failed, FailureKind, Outcome, Succeeded
from arkwright.nodes.base import AttemptKey, Context, NodeMessage
from arkwright.nodes.registry import Registry
from arkwright.nodes.smn import Smn
from arkwright.notify.message import compose
from arkwright.notify.node_messages import NodeMessages
from arkwright.store.base import Kind, Store
from arkwright.store.notice_record import StoredNotice

GOOD = {"topic": "ops", "subject": "Loaded", "messageType": "NORMAL", "message": "All is <well>."}


def context(folder: Path, number: int = 1, **properties: str) -> Context:
    key = AttemptKey(instance_id=number, node=0, attempt=1)
    return Context(
        key=key,
        project_id=PLACE.project_id,
        workspace_id=PLACE.workspace_id,
        job_name="nightly",
        node_name="tell",
        properties={**GOOD, **properties},
        folder=folder,
        workspace_folder=folder,
    )


async def say(store: Store, clock: Clock, *contexts: Context) -> list[Outcome]:
    """Each by an executor of its own, as after a crash."""
    outcomes = []
    for each in contexts:
        executor = NodeMessages(Registry(group=None), store, clock)
        ended: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        await executor.open(lambda _, outcome, ended=ended: ended.set_result(outcome))
        executor.attach("SMN", each)
        outcomes.append(await asyncio.wait_for(ended, 10))
        await executor.close()
    return outcomes


@in_loop
async def test_a_message_is_in_the_outbox_once_however_often_it_is_tried(tmp_path: Path) -> None:
    clock = Clock()
    async with opened(tmp_path) as store:
        await define(store, Kind.ALERT_TOPIC, "ops", {"name": "ops", "kind": "mail"}, at_ms=clock.now_ms())
        one = context(tmp_path, topic="urn:smn:eu-de:0123:ops")
        outcomes = await say(store, clock, one, one, one, context(tmp_path, 2))
        assert all(isinstance(each, Succeeded) for each in outcomes), outcomes
        found = await stored(store)
        assert [each.notice.instance_id for each in found] == [1, 2]
        assert found[0].notice.remind is Remind.MESSAGE
        assert (found[0].notice.subject, found[0].notice.text) == ("Loaded", "All is <well>.")


@in_loop
async def test_an_unknown_topic_is_refused_and_nothing_is_stored(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        (outcome,) = await say(store, Clock(), context(tmp_path, topic="nobody"))
        assert isinstance(outcome, Failed)
        assert outcome.kind is FailureKind.REFUSED
        assert "'nobody'" in outcome.message
        assert await stored(store) == []


@in_loop
async def test_a_message_that_comes_too_late_waits_for_the_next_lease_and_may_be_stopped_meanwhile(
    tmp_path: Path,
) -> None:
    clock = Clock()
    async with opened(tmp_path) as store:
        await define(store, Kind.ALERT_TOPIC, "ops", {"name": "ops", "kind": "mail"}, at_ms=clock.now_ms())
        executor = NodeMessages(Registry(group=None), store, clock)
        ended: asyncio.Queue[tuple[int, Outcome]] = asyncio.Queue()
        await executor.open(lambda key, outcome: ended.put_nowait((key.instance_id, outcome)))
        late = {1, 2}
        executor.beginning.until = lambda key: 0.0 if key.instance_id in late else None
        stopped, waits, in_time = (context(tmp_path, number) for number in (1, 2, 3))
        for each in (stopped, waits, in_time):
            executor.submit("SMN", each)
        number, outcome = await ended.get()
        assert (number, type(outcome)) == (3, Succeeded)
        executor.cancel(stopped.key)
        number, outcome = await ended.get()
        assert isinstance(outcome, Failed)
        assert (number, outcome.kind) == (1, FailureKind.CANCELLED)
        assert [each.notice.instance_id for each in await stored(store)] == [3]
        late.clear()
        number, outcome = await ended.get()
        assert (number, type(outcome)) == (2, Succeeded)
        assert [each.notice.instance_id for each in await stored(store)] == [3, 2]
        await executor.close()


def composed(*notices: Any, kind: str = "") -> Any:
    batch = [
        StoredNotice(id=number, place=PLACE, notice=each, due_ms=0, batch=1) for number, each in enumerate(notices, 1)
    ]
    return compose(batch, workspace="sales", kind=kind)


def test_a_message_alone_goes_out_as_it_was_written(tmp_path: Path) -> None:
    said = notice(
        Clock(), "m", remind=Remind.MESSAGE, subject="Loaded " * 60, text="A <b>\nC", text_by_kind={"chat": "short"}
    )
    message = composed(said, kind="mail")
    assert message.subject == ("Loaded " * 60).strip()
    assert message.text == "A <b>\nC\n"
    assert "A &lt;b&gt;\nC" in message.html
    assert message.data["type"] == "job.message"
    assert message.data["data"]["notices"][0]["message"] == "A <b>\nC"
    assert composed(said, kind="chat").text == "short\n"


def test_among_others_it_is_one_of_them() -> None:
    said = notice(Clock(), "m", remind=Remind.MESSAGE, subject="Loaded", text="All is well.")
    message = composed(notice(Clock(), "f"), said)
    assert message.subject == "[sales] 2 notices: 1 × failed, 1 × says"
    assert "Loaded\nAll is well." in message.text
    assert "Job nightly failed" in message.text


def test_structures_and_templates_become_texts(tmp_path: Path) -> None:
    given = json.dumps({"default": "d", "email": "e", "https": "h", "sms": "s"})
    found = Smn().message(context(tmp_path, messageType="STRUCTURE", message=given))
    assert found == NodeMessage(topic="ops", subject="Loaded", text="d", by_kind={"mail": "e", "webhook": "h"})
    script = Script(name="t", type="Shell", text="Hello {who}", version=1)
    given = json.dumps({"message_template_name": "t", "tags": {"who": "Ada"}})
    one = replace(context(tmp_path, messageType="TEMPLATE", message=given), script=script)
    assert Smn().message(one) == NodeMessage(topic="ops", subject="Loaded", text="Hello Ada")


@pytest.mark.parametrize(
    ("properties", "part"),
    [
        ({"topic": " "}, "topic"),
        ({"subject": "x" * 513}, "512"),
        ({"message": "ä" * 5121}, "10 KB"),
        ({"message": ""}, "no message"),
        ({"messageType": "VOICE"}, "VOICE"),
        ({"messageType": "STRUCTURE"}, "no JSON"),
        ({"messageType": "STRUCTURE", "message": '{"email": "e"}'}, "default"),
        ({"messageType": "TEMPLATE", "message": '{"message_template_name": "t", "tags": {}}'}, "scriptName"),
    ],
)
def test_what_cannot_be_said_is_refused_by_name(tmp_path: Path, properties: dict[str, str], part: str) -> None:
    refused = Smn().check(context(tmp_path, **properties))
    assert refused is not None
    assert part in refused.message


def test_a_masked_parameter_is_not_told_to_anybody(tmp_path: Path) -> None:
    one = replace(context(tmp_path, message="pw: s3cr3t"), secrets=("s3cr3t",), secret_places=frozenset({"message"}))
    refused = Smn().check(one)
    assert refused is not None
    assert "masked" in refused.message
    assert "s3cr3t" not in refused.message
