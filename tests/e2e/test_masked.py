"""kill -9 while programs run that were given a secret: no file of the data folder holds it, then or later."""

from __future__ import annotations

import json
from pathlib import Path

from tests.e2e.house import Client, house, node, until

SECRET = "e2e-masked-Tiger-4711"
GIVEN = "e2e-given-Lion-0815"
MASK = "******"


def files_with_a_secret(folder: Path) -> list[str]:
    paths = [path for path in folder.rglob("*") if path.is_file()]
    assert any(path.name.startswith("arkwright.db") for path in paths)
    secrets = (SECRET.encode(), GIVEN.encode())
    return [str(path) for path in paths if any(secret in path.read_bytes() for secret in secrets)]


def _run_with(client: Client) -> int:
    body = {"jobParams": [{"name": "key", "value": GIVEN}]}
    return int(client.good("POST", "jobs/secret/run-immediate", body)["instanceId"])


def test_no_file_holds_a_secret_after_the_server_was_killed(tmp_path: Path) -> None:
    go, begun = tmp_path / "go", tmp_path / "begun"
    text = f"echo 'text ${{key}}'; echo x >> {begun}; while [ ! -e {go} ]; do sleep 0.05; done; echo 'then ${{key}}'"
    with house(tmp_path / "house") as home:
        client = home.client()
        client.good("POST", "scripts", {"name": "wait", "type": "Shell", "content": text})
        client.save_job(
            "secret",
            node("wait", scriptName="wait"),
            node("after", "Shell", "wait", statement='echo "env $ARKWRIGHT_PARAM_KEY"; exit 3', failPolicy="IGNORE"),
            params=[{"name": "key", "value": SECRET, "masked": True}],
        )
        own, given = client.run("secret"), _run_with(client)
        until(lambda: begun.exists() and len(begun.read_text().split()) == 2, "both have begun")
        home.kill()
        client.close()
        assert files_with_a_secret(home.data) == []

        home.start()
        go.touch()
        client = home.client()
        for instance_id in (own, given):
            shown = client.ended("secret", instance_id)
            assert shown["status"] == "success", shown
            assert SECRET not in json.dumps(shown)
            assert client.log("secret", instance_id, "wait") == f"text {MASK}\nthen {MASK}\n"
            assert client.log("secret", instance_id, "after") == f"env {MASK}\n"
        client.close()
        assert files_with_a_secret(home.data) == []
        assert home.stop() == 0
    assert files_with_a_secret(home.data) == []
    assert SECRET not in home.log
