from __future__ import annotations

import io
import json
import stat
import tarfile
import time
from pathlib import Path

import pytest
from tests.cli.conftest import Cli, Running, job, start_server

from arkwright.cli.archive import DATABASE, KEYS, LIVING, OBJECTS, RUNS, WORKSPACES


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
    known = {DATABASE, RUNS, WORKSPACES, OBJECTS, *KEYS, *LIVING}
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
    assert "pg_dump" in " ".join(done.err.split())
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
