"""Masked parameters over the API: no reply holds a secret, and neither does the data folder, whatever happens."""

from __future__ import annotations

import io
import json
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.api.server import RunningServer, running_server, shell
from tests.servers.database import contents, place_for

SECRET = "masked-Tiger-4711-value"
GIVEN = "given-Lion-0815-value"
STARTED = "started-Bear-1234-value"
MASK = "******"
PARAMETERS = [{"name": "key", "value": SECRET, "masked": True}, {"name": "plain", "value": "seen"}]
SAY = 'echo "$ARKWRIGHT_PARAM_KEY and $ARKWRIGHT_PARAM_PLAIN"'


class Watched(httpx2.Client):
    """Notes every reply."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.replies: list[bytes] = []

    def send(self, *given: Any, **more: Any) -> httpx2.Response:
        response = super().send(*given, **more)
        response.read()
        self.replies.append(response.content)
        return response


class Server(RunningServer):
    data: Path


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    data = tmp_path_factory.mktemp("masked")
    with running_server(data) as running:
        watched = Watched(base_url=running.client.base_url, headers=running.client.headers, timeout=30)
        server = Server(running.url, watched, running.thread)
        server.data = data
        allow = server.client.get("workspace-settings")
        assert allow.status_code == 200
        yield server
        assert not leaks(watched.replies)
        watched.close()


def leaks(texts: list[bytes]) -> list[bytes]:
    return [text for text in texts if any(secret.encode() in text for secret in (SECRET, GIVEN, STARTED))]


def places_with_a_secret(folder: Path) -> list[str]:
    place = place_for(folder, "arkwright.db")
    held = contents(place)
    assert b"ARKWRIGHT_PARAM_KEY" in held  # it holds the jobs
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [*[str(path) for path in files if leaks([path.read_bytes()])], *([place] if leaks([held]) else [])]


def run(server: Server, name: str, **parameters: str) -> dict[str, Any]:
    instance_id = server.start(name, **parameters)
    while True:
        detail: dict[str, Any] = server.client.get(f"jobs/{name}/instances/{instance_id}").json()
        if detail["status"] not in ("waiting", "running"):
            return detail
        time.sleep(0.05)


def log_of(server: Server, detail: dict[str, Any], node: str) -> str:
    path = f"jobs/{detail['jobName']}/instances/{detail['instanceId']}/nodes/{node}/log"
    return server.client.get(path).text


def test_a_job_answers_its_masked_parameter_as_a_mask(server: Server) -> None:
    server.save_job("shown", shell("say", SAY), params=PARAMETERS)
    shown = server.client.get("jobs/shown").json()["params"]
    assert shown == [{"name": "key", "value": MASK, "masked": True}, {"name": "plain", "value": "seen"}]


def test_a_run_uses_the_secret_and_says_nothing_of_it(server: Server) -> None:
    server.save_job("run", shell("say", SAY), params=PARAMETERS)
    detail = run(server, "run")
    assert (detail["status"], log_of(server, detail, "say")) == ("success", f"{MASK} and seen\n")
    detail = run(server, "run", key=GIVEN)
    assert log_of(server, detail, "say") == f"{MASK} and seen\n"
    assert places_with_a_secret(server.data) == []


def test_a_mask_that_is_saved_again_leaves_the_value_as_it_is(server: Server) -> None:
    check = f'test "$ARKWRIGHT_PARAM_KEY" = {SECRET[:8]}""{SECRET[8:]}'
    server.save_job("again", shell("say", check), params=PARAMETERS)
    job = server.client.get("jobs/again").json()
    assert server.client.put("jobs/again", json=job).status_code == 204
    assert run(server, "again")["status"] == "success"
    job["params"][0]["value"] = GIVEN
    assert server.client.put("jobs/again", json=job).status_code == 204
    assert run(server, "again")["status"] == "fail"


def test_a_mask_without_a_value_behind_it_fails_the_run_with_the_reason(server: Server) -> None:
    server.save_job("unset", shell("say", SAY), params=[{"name": "key", "value": MASK, "masked": True}])
    assert run(server, "unset", key=GIVEN)["status"] == "success"
    used = shell("say", SAY)
    used["properties"].append({"name": "note", "value": "${key}"})
    server.save_job("unset_used", used, params=[{"name": "key", "value": MASK, "masked": True}])
    detail = run(server, "unset_used")
    assert "has no value here" in detail["nodes"][0]["errorMessage"]


def test_exports_hold_no_secret_and_an_import_keeps_the_one_that_is_there(server: Server) -> None:
    server.save_job("moved", shell("say", SAY), params=PARAMETERS)
    reply = server.client.post("jobs/moved/export", json={"exportDepend": False})
    assert reply.status_code == 200, reply.text
    with zipfile.ZipFile(io.BytesIO(reply.content)) as file:
        texts = [file.read(name) for name in file.namelist()]
    assert not leaks(texts)
    assert b"sealed:" not in b"".join(texts)
    document = json.loads(texts[0])
    assert document["params"][0]["value"] == MASK


def test_a_preview_shows_a_mask_in_value_steps_and_mistakes(server: Server) -> None:
    server.save_job("previewed", shell("say", SAY), params=PARAMETERS)

    def preview(text: str, **more: Any) -> dict[str, Any]:
        body = {"text": text, "jobName": "previewed", "trace": True, **more}
        answer: dict[str, Any] = server.client.post("el/evaluate", json=body).json()
        return answer

    assert preview("Bearer ${key}")["value"] == f"Bearer {MASK}"
    assert preview('#{"a" + Job.getParam("key")}')["value"] == f"a{MASK}"
    assert preview("${key}", params={"key": GIVEN})["value"] == MASK
    found = preview('#{Job.getParam("key") == "x"}')
    assert (found["error_code"], "can't look into" in found["error_msg"]) == ("ARK.EL.0015", True)
    assert "sealed:" not in json.dumps(preview("#{${key}}"))


def test_a_value_of_the_wrong_type_is_not_repeated(server: Server) -> None:
    params = [{"name": "key", "value": 47114711, "masked": True}]
    job = {"name": "wrong", "processType": "BATCH", "schedule": {"type": "EXECUTE_ONCE"}, "nodes": [shell("a", "true")]}
    reply = server.client.post("jobs", json={**job, "params": params})
    assert reply.status_code == 400
    assert "47114711" not in reply.text
    reply = server.client.post("jobs", json={**job, "params": [{"name": "key", "value": GIVEN * 99, "masked": True}]})
    assert reply.status_code == 400


def test_a_schedule_that_starts_with_a_secret_keeps_it_sealed(server: Server) -> None:
    cron = {"expression": "0 0 0 * * ?", "expressionTimeZone": "GMT+8", "startTime": "2099-01-01T00:00:00+08"}
    server.save_job("planned", shell("say", SAY), params=PARAMETERS, schedule={"type": "CRON", "cron": cron})
    reply = server.client.post("jobs/planned/start", json={"jobParams": [{"name": "key", "value": STARTED}]})
    assert reply.status_code == 204, reply.text
    assert server.client.post("jobs/planned/stop").status_code == 204


def test_the_audit_and_the_search_say_nothing_of_it(server: Server) -> None:
    for path in ("audit?limit=1000", f"../../v2/{server.client.base_url.path.split('/')[2]}/factory/search"):
        server.client.get(path)
    assert places_with_a_secret(server.data) == []
