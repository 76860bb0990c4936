"""The data folder: one server at a time, private, shared with nobody's files harmed, its keys written once."""

from __future__ import annotations

import json
import random
import stat
import subprocess
import time
from pathlib import Path

from tests.e2e.house import COMMAND, House, clean_environment, house, node, until


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def serve(data: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """A start that is expected to be refused."""
    return subprocess.run(
        [*COMMAND, "serve", "--port", "0", "--data", str(data)],
        env=clean_environment(environment),
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_a_second_server_on_the_folder_is_refused_with_the_way_out(tmp_path: Path) -> None:
    with house(tmp_path) as home:
        assert home.process is not None
        refused = serve(home.data)
        assert refused.returncode not in (0, None)
        assert f"process {home.process.pid}" in refused.stderr
        assert "--data" in refused.stderr
        assert "Traceback" not in refused.stderr
        assert home.get("/readyz").status == 200
        assert (home.data / "server.json").exists()
        assert home.stop() == 0


def test_what_outlives_the_server_does_not_hold_the_folder(tmp_path: Path) -> None:
    with house(tmp_path) as home:
        client = home.client()
        client.save_job("long", node("a", statement="echo on; sleep 1000"), node("q", "DLISQL", statement="SELECT 1"))
        instance_id = client.run("long")
        until(lambda: client.log("long", instance_id, "a"), "the program runs")
        until(lambda: client.show("long", instance_id)["nodes"][1]["status"] == "success", "the host is up")
        client.close()
        home.kill()
        home.start()  # neither the program nor the host has inherited the lock
        client = home.client()
        client.good("POST", f"jobs/long/instances/{instance_id}/stop")
        assert client.ended("long", instance_id)["status"] == "manual-stop"
        client.close()


def test_foreign_files_are_left_alone(tmp_path: Path) -> None:
    data = tmp_path / "data"
    (data / "mine").mkdir(parents=True)
    data.chmod(0o750)
    files = {"notes.txt": "mine", "mine/credentials.csv": "x", ".hidden": "y", "runs.txt": "z"}
    for name, text in files.items():
        (data / name).write_text(text)
    with house(tmp_path) as home:
        client = home.client()
        client.save_job("j", node("a", statement="echo 1"))
        client.ended("j", client.run("j"))
        client.close()
        assert home.stop() == 0
        home.start()
        assert home.stop() == 0
    assert {name: (data / name).read_text() for name in files} == files
    assert mode(data) == 0o750  # a folder that was there keeps its mode


def test_what_we_make_is_private(tmp_path: Path) -> None:
    with house(tmp_path) as home:
        client = home.client()
        client.save_job("j", node("a", statement="echo 1"), node("q", "DLISQL", statement="SELECT 1"))
        client.ended("j", client.run("j"))
        client.close()
        assert mode(home.data) == 0o700
        for name in ("credentials.csv", "secret.key", "server.json", "lock", "engine-name"):
            assert mode(home.data / name) == 0o600, name
        for name in ("runs", "hosts", "workspaces"):
            assert mode(home.data / name) & 0o077 == 0, name
        assert not list(home.data.glob(".*")), "half-written files"


def test_credentials_are_written_once(tmp_path: Path) -> None:
    with house(tmp_path) as home:
        path = home.data / "credentials.csv"
        first = (path.read_text(), path.stat().st_mtime_ns, path.stat().st_ino)
        assert mode(path) == 0o600
        assert home.stop() == 0
        said = home.start()
        assert "credentials" not in said
        assert (path.read_text(), path.stat().st_mtime_ns, path.stat().st_ino) == first
        assert home.stop() == 0
        path.unlink()  # as people do who have put the keys away
        home.start()
        assert not path.exists()
        assert home.stop() == 0


def test_the_first_start_tells_where_the_credentials_are_and_not_what_they_are(tmp_path: Path) -> None:
    home = House(folder=tmp_path)
    try:
        said = home.start()
        assert said["credentials"] == str(home.data / "credentials.csv")
        keys = home.credentials
        for name in ("Password", "Secret Access Key"):
            assert keys[name] not in home.log
            assert keys[name] not in str(said)
    finally:
        home.close()


def test_given_values_are_used_and_kept_from_programs(tmp_path: Path) -> None:
    given = {
        "ARKWRIGHT_PROJECT_ID": "0123456789abcdef0123456789abcdef",
        "ARKWRIGHT_DOMAIN": "acme",
        "ARKWRIGHT_ADMIN_USER": "rooter",
        "ARKWRIGHT_ADMIN_PASSWORD": "Correct-Horse-7",
        "ARKWRIGHT_ACCESS_KEY": "AKEXAMPLE0123456789A",
        "ARKWRIGHT_SECRET_KEY": "SecretKeyWithFortyCharacters012345678901",
        "ARKWRIGHT_TIME_ZONE": "Asia/Shanghai",
        "OTHER_SECRET": "do-not-tell",
    }
    with house(tmp_path, **given) as home:
        keys = home.credentials
        assert (keys["User Name"], keys["Password"], keys["Domain"]) == ("rooter", "Correct-Horse-7", "acme")
        assert keys["Access Key Id"] == given["ARKWRIGHT_ACCESS_KEY"]
        assert keys["Secret Access Key"] == given["ARKWRIGHT_SECRET_KEY"]
        assert home.project == given["ARKWRIGHT_PROJECT_ID"]
        client = home.client()
        client.save_job(
            "env",
            node("a", statement="env; for p in self $PPID; do tr '\\0' '\\n' < /proc/$p/environ; done"),
            node("p", "Python", statement="import os\nprint(dict(os.environ))"),
            node("q", "DLISQL", statement="SELECT 1"),
        )
        instance_id = client.run("env", aaa="111")
        assert client.ended("env", instance_id)["status"] == "success"
        told = {name: client.log("env", instance_id, name) for name in ("a", "p")}
        assert all("ARKWRIGHT_PARAM_AAA" in text for text in told.values()), told
        # The host of SQL nodes outlives the server; it knows none of it either.
        [address] = (home.data / "hosts").glob("duckdb-*.json")
        told["host"] = Path(f"/proc/{json.loads(address.read_text())['pid']}/environ").read_text()
        for name, text in told.items():
            for variable, value in given.items():
                assert variable not in text, (name, variable)
                assert variable in ("ARKWRIGHT_PROJECT_ID", "ARKWRIGHT_DOMAIN") or value not in text, (name, variable)
        client.close()
        assert home.stop() == 0


def test_a_first_start_that_is_killed_anywhere_is_made_up_for(tmp_path: Path) -> None:
    moments = random.Random(5)
    home = House(folder=tmp_path)
    try:
        for _ in range(4):
            home.spawn()
            time.sleep(moments.uniform(0.1, 0.9))  # the moment of the kill; nothing waits for anything
            home.kill()
        home.start()
        client = home.client()  # logs in with what the file says
        client.save_job("j", node("a", statement="echo 1"))
        assert client.ended("j", client.run("j"))["status"] == "success"
        client.close()
        assert home.stop() == 0
    finally:
        home.close()


def test_a_folder_that_cannot_be_used_is_refused_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    refused = serve(tmp_path / "file")
    assert refused.returncode not in (0, None)
    assert "--data" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert [each.name for each in tmp_path.iterdir()] == ["file"]
