from __future__ import annotations

import io
import json
import stat
import tarfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest
from tests.cli.conftest import Cli, Running, job, start_server
from tests.examples import seldom
from tests.servers.postgres import (  # noqa: F401
    postgres_address,
    postgres_ready,
    postgres_server,
    run_statements,
    settle,
)

from arkwright.cli.archive import DATABASE, KEYS, LIVING, OBJECTS, RUNS, SHIPPING, WORKSPACES


def test_a_backup_of_a_running_server_is_restored_with_jobs_runs_logs_and_keys(
    bare_cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = start_server(tmp_path / "data")
    monkeypatch.setenv("ARKWRIGHT_DATA", str(running.data))
    (tmp_path / "j.json").write_text(json.dumps(job("kept", "echo kept words")))
    bare_cli("job", "create", str(tmp_path / "j.json"))
    ran = bare_cli("job", "run", "kept", "--wait", "--json").json
    for workspace in (running.data / "workspaces").glob("*"):
        (workspace / "files").mkdir(exist_ok=True)
        (workspace / "files" / "note.txt").write_text("a file")
    file = tmp_path / "b.tar.gz"
    assert bare_cli("backup", str(file)).code == 0
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    again = bare_cli("backup", str(file))
    assert again.code == 1
    assert "never overwrites" in again.err
    assert running.stop() == 0

    restored = tmp_path / "restored"
    assert bare_cli("restore", str(file), "--data", str(restored)).code == 0
    assert not (restored / "server.json").exists(), "what belongs to a living process is left out"
    running = start_server(restored)
    try:
        monkeypatch.setenv("ARKWRIGHT_DATA", str(restored))
        assert bare_cli("instance", "show", "kept", "--json").json["instanceId"] == ran["instanceId"]
        assert bare_cli("instance", "logs", "kept").out == "kept words\n"
        assert bare_cli("job", "run", "kept", "--wait").code == 0
    finally:
        assert running.stop() == 0


def test_objects_come_back_whole(bare_cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    running = start_server(tmp_path / "data")
    monkeypatch.setenv("ARKWRIGHT_DATA", str(running.data))
    (tmp_path / "x.bin").write_bytes(bytes(range(256)) * 4000)
    name = "ünder/a folder/" + "long" * 40 + ".bin"
    try:
        assert bare_cli("obs", "cp", str(tmp_path / "x.bin"), f"obs://bucket/{name}").code == 0
        (running.data / "obs" / ".incoming").mkdir(exist_ok=True)
        (running.data / "obs" / ".incoming" / "half").write_text("half an object")
        assert bare_cli("backup", str(tmp_path / "b.tar.gz")).code == 0
    finally:
        assert running.stop() == 0
    restored = tmp_path / "restored"
    assert bare_cli("restore", str(tmp_path / "b.tar.gz"), "--data", str(restored)).code == 0
    assert not (restored / "obs" / ".incoming").exists()
    running = start_server(restored)
    try:
        monkeypatch.setenv("ARKWRIGHT_DATA", str(restored))
        assert bare_cli("obs", "cp", f"obs://bucket/{name}", str(tmp_path / "back.bin")).code == 0
    finally:
        assert running.stop() == 0
    assert (tmp_path / "back.bin").read_bytes() == (tmp_path / "x.bin").read_bytes()


def test_the_warehouse_of_a_running_server_comes_back_with_what_was_committed(
    bare_cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def sql(name: str, statement: str) -> str:
        node = {"name": "n", "type": "DLISQL", "properties": [{"name": "statement", "value": statement}]}
        document = {**job(name), "nodes": [node]}
        (tmp_path / f"{name}.json").write_text(json.dumps(document))
        assert bare_cli("job", "create", str(tmp_path / f"{name}.json")).code == 0
        done = bare_cli("job", "run", name, "--wait", "--json")
        assert done.code == 0, done.err
        return bare_cli("instance", "logs", name).out

    running = start_server(tmp_path / "data")
    monkeypatch.setenv("ARKWRIGHT_DATA", str(running.data))
    try:
        sql("fill", "CREATE TABLE kept AS SELECT i FROM range(12345) t(i)")
        assert bare_cli("backup", str(tmp_path / "b.tar")).code == 0
    finally:
        assert running.stop() == 0
    restored = tmp_path / "restored"
    assert bare_cli("restore", str(tmp_path / "b.tar"), "--data", str(restored)).code == 0
    running = start_server(restored)
    try:
        monkeypatch.setenv("ARKWRIGHT_DATA", str(restored))
        assert "12345" in sql("count", "SELECT count(*) FROM kept")
    finally:
        assert running.stop() == 0


def test_everything_in_a_data_folder_is_backed_up_or_left_out_on_purpose(cli: Cli, home: Running) -> None:
    known = {DATABASE, RUNS, WORKSPACES, OBJECTS, SHIPPING, *KEYS, *LIVING}
    named = {f"{DATABASE}{ending}" for ending in ("-wal", "-shm")} | {"server.log"}  # the last is the tests' own
    found = {each.name for each in home.data.iterdir() if not each.name.startswith(".")}
    assert found <= known | named, f"cli/archive.py does not know {found - known - named}"


def test_runs_can_be_left_out(cli: Cli, save, tmp_path: Path) -> None:
    cli("job", "run", save(job("left-out", "true")), "--wait")
    assert cli("backup", str(tmp_path / "b.tar"), "--without-runs").code == 0
    with tarfile.open(tmp_path / "b.tar") as archive:
        names = archive.getnames()
    assert "arkwright.db" in names
    assert not [name for name in names if name.startswith("runs/")]


def test_what_ran_at_the_backup_is_not_started_again_by_a_restore(cli: Cli, save, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    name = save(job("going-on", f"echo x >> {ran}; sleep 600"))
    instance = cli("job", "run", name, "--json").json["instanceId"]
    deadline = time.monotonic() + 30
    while not ran.exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    try:
        assert cli("backup", str(tmp_path / "b.tar"), "--without-runs").code == 0
    finally:
        assert cli("instance", "stop", name, str(instance)).code == 0
    restored = tmp_path / "restored"
    assert cli("restore", str(tmp_path / "b.tar"), "--data", str(restored)).code == 0
    running = start_server(restored)
    try:
        done = cli("instance", "show", name, str(instance), "--json", "--data", str(restored))
        while (shown := done.json)["status"] == "running":
            assert time.monotonic() < deadline
            time.sleep(0.02)
            done = cli("instance", "show", name, str(instance), "--json", "--data", str(restored))
        assert shown["status"] == "fail"
        assert ran.read_text() == "x\n"
    finally:
        assert running.stop() == 0


class _Waiting(BaseHTTPRequestHandler):
    """Answers nobody until it is told to, and counts who asked."""

    asked: ClassVar[list[str]] = []
    go: ClassVar[threading.Event] = threading.Event()

    def do_POST(self) -> None:
        self.asked.append(self.path)
        self.go.wait(60)
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
        pass


@pytest.mark.parametrize("without_runs", [False, *seldom(True)])
def test_a_hosted_node_that_ran_at_the_backup_ends_as_lost_and_asks_nobody_twice(
    bare_cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, without_runs: bool
) -> None:
    _Waiting.asked.clear()
    _Waiting.go.clear()
    web = ThreadingHTTPServer(("127.0.0.1", 0), _Waiting)
    threading.Thread(target=web.serve_forever, daemon=True).start()
    running = start_server(tmp_path / "data", "--allow-loopback-requests")
    monkeypatch.setenv("ARKWRIGHT_DATA", str(running.data))
    restored = tmp_path / "restored"
    try:
        asks = {"url": f"http://127.0.0.1:{web.server_port}/once", "method": "POST"}
        node = {"name": "n", "type": "RESTAPI", "properties": [{"name": k, "value": v} for k, v in asks.items()]}
        (tmp_path / "j.json").write_text(json.dumps({**job("asks"), "nodes": [node]}))
        assert bare_cli("job", "create", str(tmp_path / "j.json")).code == 0
        instance = bare_cli("job", "run", "asks", "--json").json["instanceId"]
        deadline = time.monotonic() + 60
        while not _Waiting.asked:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        more = ("--without-runs",) if without_runs else ()
        assert bare_cli("backup", str(tmp_path / "b.tar"), *more).code == 0
        assert running.stop() == 0
        assert bare_cli("restore", str(tmp_path / "b.tar"), "--data", str(restored)).code == 0
        running = start_server(restored, "--allow-loopback-requests")
        monkeypatch.setenv("ARKWRIGHT_DATA", str(restored))
        while (shown := bare_cli("instance", "show", "asks", str(instance), "--json").json)["status"] == "running":
            assert time.monotonic() < deadline
            time.sleep(0.02)
        assert shown["status"] == "fail"
        assert "may or may not" in shown["nodes"][0]["errorMessage"]
        assert _Waiting.asked == ["/once"]
    finally:
        _Waiting.go.set()
        running.stop()
        web.shutdown()
        web.server_close()


@pytest.mark.postgres
def test_a_backup_of_postgresql_is_restored_to_postgresql_and_to_a_folder(
    bare_cli: Cli,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    postgres_address: str,  # noqa: F811
) -> None:
    monkeypatch.setenv("ARKWRIGHT_DATABASE_URL", postgres_address)
    running = start_server(tmp_path / "data", "--database-url", postgres_address)
    monkeypatch.setenv("ARKWRIGHT_DATA", str(running.data))
    file = str(tmp_path / "b.tar.gz")
    try:
        (tmp_path / "j.json").write_text(json.dumps(job("kept", "echo kept words")))
        bare_cli("job", "create", str(tmp_path / "j.json"))
        ran = bare_cli("job", "run", "kept", "--wait", "--json").json
        keyless = bare_cli("backup", file, "--data", str(tmp_path))
        assert (keyless.code, "secret.key" in keyless.err) == (1, True)
        assert bare_cli("backup", file).code == 0
        taken = bare_cli("restore", file, "--data", str(tmp_path / "taken"))
        assert (taken.code, "in use" in taken.err) == (1, True)
    finally:
        assert running.stop() == 0
    full = bare_cli("restore", file, "--data", str(tmp_path / "taken"))
    assert (full.code, "not empty" in full.err) == (1, True)
    assert not (tmp_path / "taken").exists()
    settle(run_statements(postgres_address, "DROP SCHEMA public CASCADE", "CREATE SCHEMA public"))
    for name, options in (("again", ("--database-url", postgres_address)), ("embedded", ())):
        if not options:
            monkeypatch.delenv("ARKWRIGHT_DATABASE_URL")
        folder = tmp_path / name
        assert bare_cli("restore", file, "--data", str(folder)).code == 0
        assert (folder / DATABASE).exists() is (not options)
        monkeypatch.setenv("ARKWRIGHT_DATA", str(folder))
        running = start_server(folder, *options)
        try:
            assert bare_cli("instance", "show", "kept", "--json").json["instanceId"] == ran["instanceId"]
            assert bare_cli("instance", "logs", "kept").out == "kept words\n"
            assert bare_cli("job", "run", "kept", "--wait").code == 0
        finally:
            assert running.stop() == 0


def test_a_folder_that_holds_something_is_not_restored_into(cli: Cli, tmp_path: Path) -> None:
    cli("backup", str(tmp_path / "b.tar"), "--without-runs")
    target = tmp_path / "target"
    target.mkdir()
    (target / "mine").write_text("x")
    done = cli("restore", str(tmp_path / "b.tar"), "--data", str(target))
    assert done.code == 1
    assert "is not empty" in done.err
    assert (target / "mine").read_text() == "x"


def test_a_folder_without_a_database_can_not_be_backed_up(bare_cli: Cli, tmp_path: Path) -> None:
    done = bare_cli("backup", str(tmp_path / "b.tar"), "--data", str(tmp_path))
    assert done.code == 1
    assert "--database-url" in " ".join(done.err.split())
    assert not (tmp_path / "b.tar").exists()


def archive(file: Path, members: dict[str, bytes]) -> Path:
    with tarfile.open(file, "w") as made:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            made.addfile(member, io.BytesIO(content))
    return file


MANIFEST = b'{"format": 1}'


@pytest.mark.parametrize(
    ("members", "told"),
    [
        ({"a.txt": b""}, "is no backup of Arkwright"),
        ({"manifest.json": b'{"format": 99, "arkwright": "9"}'}, "another format"),
        ({"manifest.json": MANIFEST}, "it holds no database"),
        ({"manifest.json": MANIFEST, "../out": b"x"}, "which no backup of Arkwright holds"),
        ({"manifest.json": MANIFEST, "/tmp/out": b"x"}, "which no backup of Arkwright holds"),
    ],
)
def test_an_archive_that_is_no_backup_leaves_nothing_behind(
    bare_cli: Cli, tmp_path: Path, members: dict[str, bytes], told: str
) -> None:
    (tmp_path / "in").mkdir()
    file = archive(tmp_path / "x.tar", members)
    done = bare_cli("restore", str(file), "--data", str(tmp_path / "in" / "data"))
    assert done.code == 1
    assert told in " ".join(done.err.split())
    assert list((tmp_path / "in").iterdir()) == []


def test_half_a_backup_is_refused(cli: Cli, bare_cli: Cli, tmp_path: Path) -> None:
    cli("backup", str(tmp_path / "b.tar.gz"))
    whole = (tmp_path / "b.tar.gz").read_bytes()
    (tmp_path / "half.tar.gz").write_bytes(whole[: len(whole) // 2])
    done = bare_cli("restore", str(tmp_path / "half.tar.gz"), "--data", str(tmp_path / "data"))
    assert done.code == 1
    assert not (tmp_path / "data").exists()
