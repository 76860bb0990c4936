"""One Idempotency-Key makes one thing, wherever kill -9 strikes between the change and its answer."""

from __future__ import annotations

import http.client
import io
import json
import random
import sqlite3
import threading
import time
import zipfile
from pathlib import Path

import pytest
from tests.e2e.house import House, house

CLIENTS = 4
KEYS_EACH = 25
KILLS = 6
JOB = {
    "name": "j",
    "processType": "BATCH",
    "schedule": {"type": "EXECUTE_ONCE"},
    "nodes": [{"name": "n", "type": "Dummy"}],
}


def send(home: House, keys: list[str], answers: dict[str, set[str]]) -> None:
    """Import under each key in turn, until the server is gone. An import makes a task that nothing keeps from being
    made twice but the key."""
    client = home.client()
    try:
        for key in keys:
            reply = client.call("POST", "jobs/import", {"path": "obs://bucket/j.zip"}, Idempotency_Key=key)
            answers[key].add(reply.json["taskId"] if reply.status == 200 else reply.json["error_msg"])
    except (OSError, http.client.HTTPException):
        return
    finally:
        client.close()


@pytest.mark.long
@pytest.mark.timeout(240)
def test_a_task_is_made_once_per_key_through_kills(tmp_path: Path) -> None:
    keys = [[f"key-{client}-{number}" for number in range(KEYS_EACH)] for client in range(CLIENTS)]
    answers: dict[str, set[str]] = {key: set() for each in keys for key in each}
    moments = random.Random(7)
    with house(tmp_path) as home:
        home.client().close()  # logs in
        bucket = home.data / "obs" / "bucket"
        bucket.mkdir(parents=True)
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("jobs/j.job", json.dumps(JOB))
        (bucket / "j.zip").write_bytes(file.getvalue())
        for _ in range(KILLS):
            threads = [threading.Thread(target=send, args=(home, each, answers)) for each in keys]
            for thread in threads:
                thread.start()
            time.sleep(moments.uniform(0.02, 0.4))  # the kill comes at a random moment
            home.kill()
            for thread in threads:
                thread.join(30)
            home.start()
        for each in keys:
            send(home, each, answers)
        assert home.stop() == 0
        with sqlite3.connect(home.data / "arkwright.db") as database:
            tasks = {row[0] for row in database.execute("SELECT name FROM definition WHERE kind = 'system-task'")}
        database.close()
    assert all(answers.values()), "every key was answered in the end"
    told = {key: {each for each in found if len(each) == 32} for key, found in answers.items()}
    assert all(len(found) <= 1 for found in told.values()), "one key, one answer"
    assert set().union(*told.values()) <= tasks, "what was answered is there"
    assert len(tasks) == len(answers), "each key made one task, no more and no less"
