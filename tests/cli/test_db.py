"""`arkwright db` on a real installation: checked, moved to PostgreSQL with all that goes on in it, and back."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import subprocess
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import COMMAND, Cli, Running, clean_environment, job, start_server
from tests.servers.database import changed, looked_up
from tests.servers.postgres import postgres_address, postgres_ready, postgres_server  # noqa: F401

from arkwright.store.move import opened
from arkwright.store.open import open_store


def until(reached: Callable[[], Any], seconds: float = 60) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := reached()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return found


_NIGHTLY = {"type": "CRON", "cron": {"expression": "0 0 3 * * ?", "startTime": "2020-01-01T00:00:00+08"}}


def scheduled(place: str) -> list[Any]:
    """(job, state, next fire) of all that is planned."""

    async def look() -> list[Any]:
        async with opened(place) as end:
            return sorted(
                [row async for batch in end.rows("schedule", ("job_id", "state", "next_ms")) for row in batch]
            )

    return asyncio.run(look())


def saved(cli: Cli, folder: Path, document: dict[str, Any]) -> None:
    (folder / "x.json").write_text(json.dumps(document))
    done = cli("job", "create", str(folder / "x.json"))
    assert done.code == 0, done.err


@pytest.mark.postgres
def test_an_installation_moves_with_everything_that_goes_on_in_it(
    bare_cli: Cli,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    postgres_address: str,  # noqa: F811
) -> None:
    data, stop, ran = tmp_path / "data", tmp_path / "stop", tmp_path / "ran"
    running = start_server(data)
    monkeypatch.setenv("ARKWRIGHT_DATA", str(data))
    waits = f"echo before; until test -e {stop}; do sleep 0.1; done; echo after"
    saved(bare_cli, tmp_path, job("long", waits, f"echo x >> {ran}"))
    secret = {"name": "password", "value": "s3cr3t-of-ours", "type": "variable", "masked": True}
    saved(
        bare_cli, tmp_path, {**job("masked", 'test "$ARKWRIGHT_PARAM_PASSWORD" = s3cr3t-of-ours'), "params": [secret]}
    )
    planned = {**job("planned", "true"), "schedule": _NIGHTLY}
    saved(bare_cli, tmp_path, planned)
    assert bare_cli("schedule", "start", "planned").code == 0
    fires = scheduled(str(data / "arkwright.db"))
    assert fires
    long = bare_cli("job", "run", "long", "--json").json["instanceId"]
    assert bare_cli("job", "run", "masked", "--wait").code == 0
    until(lambda: "before" in bare_cli("instance", "logs", "long").out)

    refused = bare_cli("db", "copy", "--from", str(data), "--to", postgres_address)
    assert (refused.code, "is using the data folder" in refused.err) == (1, True)
    assert running.stop() == 0
    moved = bare_cli("db", "copy", "--from", str(data), "--to", postgres_address, "--json").json
    assert {each["table"] for each in moved["tables"]} >= {"instance", "event", "identity", "schedule", "answer"}
    assert moved["rows"] == sum(each["rows"] for each in moved["tables"]) > 50
    assert all(each["equal"] for each in moved["tables"])
    closed = bare_cli("backup", str(tmp_path / "b.tar"))
    assert (closed.code, "has moved to" in closed.err) == (1, True)

    running = start_server(data, "--database-url", postgres_address)
    try:
        stop.touch()
        done = until(lambda: _ended(bare_cli, "long", long))
        assert done["status"] == "success"
        assert ran.read_text() == "x\n", "its program was found again, and ran once"
        assert bare_cli("instance", "logs", "long", str(long), "--node", "n0").out == "before\nafter\n"
        assert bare_cli("job", "run", "masked", "--wait").code == 0, "its secret could be opened"
        assert scheduled(postgres_address) == fires
        checked = bare_cli("db", "check", "--database-url", postgres_address, "--json").json
        assert checked["fine"], checked
        assert bare_cli("db", "check", "--database-url", postgres_address, "--repair").code == 0
    finally:
        assert running.stop() == 0

    # And back, into a folder of its own.
    back = tmp_path / "back"
    back.mkdir()
    assert bare_cli("db", "copy", "--from", postgres_address, "--to", str(back)).code == 0
    wrong = bare_cli("db", "check", "--data", str(back), "--json")
    assert wrong.code == 1
    assert [each["check"] for each in wrong.json["checks"] if each["wrong"]] == ["sealed values"]
    (back / "secret.key").write_bytes((data / "secret.key").read_bytes())
    (back / "secret.key").chmod(0o600)
    assert bare_cli("db", "check", "--data", str(back)).code == 0
    assert "has moved to" in refusal(postgres_address, tmp_path / "other")
    running = start_server(back)
    try:
        monkeypatch.setenv("ARKWRIGHT_DATA", str(back))
        (back / "credentials.csv").write_bytes((data / "credentials.csv").read_bytes())
        assert bare_cli("job", "run", "masked", "--wait").code == 0
        assert scheduled(str(back / "arkwright.db")) == fires
    finally:
        assert running.stop() == 0


def _ended(cli: Cli, name: str, instance_id: int) -> Any:
    shown = cli("instance", "show", name, str(instance_id), "--json").json
    return shown if shown["status"] not in ("running", "waiting") else None


def refusal(address: str, data: Path) -> str:
    """What a server says that may not start on this database."""
    command = [*COMMAND, "serve", "--port", "0", "--data", str(data), "--database-url", address]
    done = subprocess.run(command, env=clean_environment(), capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    return done.stderr


def test_a_closed_source_can_be_opened_again(bare_cli: Cli, tmp_path: Path) -> None:
    running = start_server(tmp_path / "data")
    assert running.stop() == 0
    data, other = str(tmp_path / "data"), str(tmp_path / "other")
    assert bare_cli("db", "copy", "--from", data, "--to", other).code == 0
    assert "has moved to" in bare_cli("backup", str(tmp_path / "b.tar"), "--data", data).err
    assert bare_cli("db", "reopen", "--data", data, "--json").json == {"wasClosed": True}
    assert bare_cli("db", "reopen", "--data", data, "--json").json == {"wasClosed": False}
    assert bare_cli("backup", str(tmp_path / "b.tar"), "--data", data).code == 0
    assert bare_cli("db", "copy", "--from", data, "--to", data).code == 2


def test_a_trial_copy_leaves_the_source_open(bare_cli: Cli, tmp_path: Path) -> None:
    running = start_server(tmp_path / "data")
    assert running.stop() == 0
    data, other = str(tmp_path / "data"), str(tmp_path / "other")
    done = bare_cli("db", "copy", "--from", data, "--to", other, "--keep", "--json").json
    assert done["sourceClosed"] is False
    assert bare_cli("backup", str(tmp_path / "b.tar"), "--data", data).code == 0


def test_the_check_goes_beside_a_server_and_the_repair_does_not(cli: Cli, home: Running) -> None:
    assert cli("db", "check").code == 0
    refused = cli("db", "check", "--repair")
    assert (refused.code, "is using the data folder" in refused.err) == (1, True)


def test_an_upgrade_is_planned_and_done_ahead_of_a_start(bare_cli: Cli, tmp_path: Path) -> None:
    from arkwright.store import migration
    from arkwright.store.sqlite_work import migrate

    known = migration.migrations("sqlite")
    with closing(sqlite3.connect(tmp_path / "arkwright.db", isolation_level=None)) as database:
        migrate(database, known[:-2])
    planned = bare_cli("db", "upgrade", "--plan", "--data", str(tmp_path), "--json").json
    assert [each["number"] for each in planned["migrations"]] == [each.number for each in known[-2:]]
    assert bare_cli("db", "check", "--data", str(tmp_path)).code == 1
    assert bare_cli("db", "upgrade", "--data", str(tmp_path)).code == 0
    assert bare_cli("db", "upgrade", "--data", str(tmp_path), "--json").json["migrations"] == []
    assert bare_cli("db", "check", "--data", str(tmp_path)).code == 0
    missing = bare_cli("db", "upgrade", "--data", str(tmp_path / "nowhere"))
    assert (missing.code, "--data" in missing.err) == (1, True)


def installation(data: Path) -> Path:
    """What a server leaves that has been started once, in a moment."""

    async def make() -> None:
        store = open_store(data / "arkwright.db")
        await store.open()
        await store.close()

    data.mkdir()
    asyncio.run(make())
    return data


@pytest.mark.parametrize(
    ("target", "code", "told"),
    [
        ("mysql://host/arkwright", 2, "postgresql:// URL"),
        ("postgres//host/arkwright", 1, "There is no folder"),  # a slip: it would be a folder
        ("postgresql://me:secret@127.0.0.1:1/x", 1, "postgresql://127.0.0.1:1/x can't be reached"),
        ("postgresql://me:secret@host:port/x", 1, "can't be read"),
    ],
)
def test_a_target_that_is_none_leaves_the_source_as_it_is(
    bare_cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, target: str, code: int, told: str
) -> None:
    data = installation(tmp_path / "data")
    monkeypatch.chdir(tmp_path)
    done = bare_cli("db", "copy", "--from", str(data), "--to", target)
    assert (done.code, told in done.err, "secret" in done.err) == (code, True, False), done.err
    assert bare_cli("db", "check", "--data", str(data), "--json").json["movedTo"] is None
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


@pytest.mark.postgres
def test_a_database_that_holds_nothing_is_told_of(bare_cli: Cli, tmp_path: Path, postgres_address: str) -> None:  # noqa: F811
    place = ("--database-url", postgres_address)
    assert "holds no installation yet" in bare_cli("db", "check", *place).err
    refused = bare_cli("db", "check", "--repair", *place)
    assert (refused.code, "holds no installation" in refused.err) == (1, True)
    (tmp_path / "there").mkdir()
    for target in ("new", "there"):
        refused = bare_cli("db", "copy", "--from", postgres_address, "--to", str(tmp_path / target))
        assert (refused.code, "holds no installation" in refused.err) == (1, True)
    assert [str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")] == ["there"], "nothing half-done"
    there = f"postgresql://postgres@/nowhere?{postgres_address.partition('?')[2]}"
    assert "createdb" in bare_cli("db", "check", "--database-url", there).err


@pytest.mark.postgres
def test_a_database_of_something_else_is_left_alone(bare_cli: Cli, tmp_path: Path, postgres_address: str) -> None:  # noqa: F811
    changed(postgres_address, "CREATE TABLE customer (name text)")
    data = installation(tmp_path / "data")
    refused = bare_cli("db", "copy", "--from", str(data), "--to", postgres_address)
    assert (refused.code, "is not empty: it has the table customer" in refused.err) == (1, True), refused.err
    tables = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
    assert looked_up(postgres_address, tables) == [("customer",)]
    assert bare_cli("db", "check", "--data", str(data), "--json").json["movedTo"] is None
