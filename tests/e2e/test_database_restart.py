"""A server whose database is restarted: it waits, goes on by itself, and its log says it in two lines."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.e2e.house import house, node, until
from tests.servers.postgres_tcp import running

LEASE = ("--lease-seconds", "1.5")
# The last one is refused without the database, which its record in the audit would need.
CALLS = (
    ("POST", "jobs/j/run-immediate", 503),
    ("POST", "jobs/x/start", 503),
    ("GET", "jobs", 503),
    ("POST", "jobs", 400),
)


@pytest.mark.long
@pytest.mark.postgres
def test_a_restart_of_the_database_is_told_in_two_lines(tmp_path: Path) -> None:
    with running() as database, house(tmp_path, "--database-url", database.address, *LEASE) as home:
        client = home.client()
        client.save_job("j", node("a", statement=f"until test -e {tmp_path}/go; do sleep 0.1; done"))
        ends, waits = client.run("j"), client.run("j")
        until(lambda: client.show("j", waits)["status"] == "running", "they run")
        before = len(home.log)
        database.stop()
        for method, path, status in CALLS:
            assert client.call(method, path, {}).status == status
        (tmp_path / "go").touch()  # the outcome comes while nobody can store it
        until(lambda: "The database is away" in home.log, "it says so")
        database.start()
        until(lambda: "The database is back" in home.log, "it says so")
        for instance in (ends, waits, client.run("j")):
            assert client.ended("j", instance)["status"] == "success"
        client.close()
        lines = home.log[before:].splitlines()
        assert home.stop() == 0
    assert len(lines) == 2, "\n".join(lines)
    assert "The database is away (" in lines[0]
    assert "The database is back after" in lines[1]
