"""The key that secrets are sealed with is changed while runs go on and the server is killed again and again: afterwards
nothing in the database needs the old one, whoever sealed it, and every secret still works."""

from __future__ import annotations

import base64
import sqlite3
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from tests.api.test_hooks import signed
from tests.e2e.house import Client, House, house, node, until

from arkwright.iam.sealing import Sealer

SECRET, GIVEN, PASSWORD = "rotated-Tiger-4711", "rotated-Lion-0815", "rotated-Bear-2342"
SLOWLY = (
    "import arkwright.engine.resealing as r; r.PIECE = 1; r.PACE = 3; r.EVERY_MS = 300; r.SECOND_LOOK_SECONDS = 0.2"
)
COMMAND = (sys.executable, "-c", f"{SLOWLY}; from arkwright.cli import main; main()")
KILLS = 4


def needing(home: House, key_id: str) -> dict[str, int]:
    """In which columns values stand that say they were sealed with this key, whatever the column is for. A sealed value
    begins with six bytes of its own, which are eight letters of base64."""
    head = b"\x02" + base64.b32decode(key_id.upper())
    words = {base64.b64encode(head).decode(), base64.urlsafe_b64encode(head).decode()}
    found = {}
    with sqlite3.connect(f"file:{home.data}/arkwright.db?mode=ro", uri=True) as database:
        for (table,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            for column in [row[1] for row in database.execute(f"PRAGMA table_info({table})")]:
                hits = 0
                for (value,) in database.execute(f"SELECT {column} FROM {table}"):
                    if isinstance(value, bytes):
                        hits += head in value
                    elif isinstance(value, str):
                        hits += any(word in value for word in words)
                if hits:
                    found[f"{table}.{column}"] = hits
    return found


def fill(home: House, client: Client) -> dict[str, Any]:
    """Something of each kind that is sealed."""
    client.good(
        "POST",
        "connections",
        {
            "name": "shop",
            "type": "HOST",
            "config": {"ip": "127.0.0.1", "port": 9, "userName": "a", "password": PASSWORD},
        },
    )
    client.good("POST", "alert-topics", {"name": "ops", "kind": "webhook", "url": "https://example.org/x"})
    client.good("POST", "users", {"name": "anna"}, Idempotency_Key="made-once")
    params = [{"name": "key", "value": SECRET, "masked": True}]
    client.save_job(
        "masked", node("say", statement='[ "$ARKWRIGHT_PARAM_KEY" = "$1" ]', arguments=SECRET), params=params
    )
    client.save_job("own", node("say", statement=f'[ "$ARKWRIGHT_PARAM_KEY" = "{GIVEN}" ]'), params=params)
    cron = {"type": "CRON", "cron": {"startTime": "2026-01-01T00:00:00+08", "expression": "0 0 3 * * ?"}}
    client.save_job("nightly", node("say", statement="true"), params=params, schedule=cron)
    client.good("POST", "jobs/nightly/start", {"jobParams": [{"name": "key", "value": GIVEN}]})
    hook = client.good("POST", "hooks", {"jobName": "masked"})
    for _ in range(3):
        run_both(client)
    return hook


def run_both(client: Client) -> None:
    own = client.good("POST", "jobs/own/run-immediate", {"jobParams": [{"name": "key", "value": GIVEN}]})["instanceId"]
    for job, run in (("masked", client.run("masked")), ("own", int(own))):
        assert client.ended(job, run)["status"] == "success", client.log(job, run, "say")


def works(home: House, client: Client, hook: dict[str, Any]) -> None:
    run_both(client)
    again = client.good("POST", "users", {"name": "anna"}, Idempotency_Key="made-once")
    assert again["name"] == "anna"
    body = b"{}"
    unsigned = Client(home.url, {"Content-Type": "application/json"}, home.project)
    reply = unsigned.call("POST", f"hooks/{hook['id']}", {}, **signed(hook, body, f"d{time.time_ns()}"))
    assert reply.status == 202, reply
    unsigned.close()


@pytest.mark.long
@pytest.mark.timeout(240)
def test_the_key_changes_under_way_and_nothing_needs_the_old_one(tmp_path: Path) -> None:
    with house(tmp_path / "house", command=COMMAND) as home:
        client = home.client()
        hook = fill(home, client)
        go = tmp_path / "go"
        client.save_job(
            "long",
            node("wait", statement=f"while [ ! -e {go} ]; do sleep 0.05; done"),
            node("then", "Shell", "wait", statement=f'[ "$ARKWRIGHT_PARAM_KEY" = "{SECRET}" ]'),
            params=[{"name": "key", "value": SECRET, "masked": True}],
        )
        long = client.run("long")
        (old,) = client.good("GET", "secrets")["keys"]
        before = needing(home, old["id"])
        assert {"definition_version.body", "identity.body", "event_trigger.body", "answer.sealed_body"} <= set(before)
        assert {"attempt.request", "schedule.body"} <= set(before), before

        new = client.good("POST", "secrets/rotate")["key"]
        refused = client.call("DELETE", f"secrets/keys/{old['id']}")
        assert refused.status == 400, refused
        for _ in range(KILLS):
            works(home, client, hook)
            client.close()
            home.kill()
            home.start()
            client = home.client()
            assert new in [each["id"] for each in client.good("GET", "secrets")["keys"] if each["seals"]]
        go.touch()
        assert client.ended("long", long)["status"] == "success"

        def nothing_left() -> bool:
            found = client.good("GET", "secrets")
            values = {each["id"]: each["values"] for each in found["keys"]}
            return values[old["id"]] == 0 and values[new] > 0 and not found["under_way"]

        until(nothing_left, "everything is sealed with the new key")
        assert needing(home, old["id"]) == {}
        assert set(before) <= set(needing(home, new)) | {"answer.sealed_body"}
        assert client.good("GET", "secrets")["unreadable"] == 0
        client.good("DELETE", f"secrets/keys/{old['id']}")
        works(home, client, hook)
        client.close()
        assert home.stop() == 0
        assert Sealer(home.data / "secret.key").key_ids() == [new]
        home.start()
        client = home.client()
        works(home, client, hook)
        client.close()
        assert home.stop() == 0
