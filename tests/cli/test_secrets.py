"""`arkwright secrets`: the key changes, everything opens on, and who is no administrator learns nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.cli.conftest import Cli, start_server


@pytest.fixture
def alone(bare_cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cli]:
    """The command line and a server of its own: an old key can only go where no run of another test needs it."""
    running = start_server(tmp_path)
    monkeypatch.setenv("ARKWRIGHT_DATA", str(tmp_path))
    yield bare_cli
    assert running.stop() == 0


def test_a_key_is_rotated_shown_and_removed_and_everything_works_on(alone: Cli) -> None:
    before = alone("secrets", "status", "--json").json
    (old,) = [each["id"] for each in before["keys"] if each["seals"]]
    found = alone("secrets", "rotate", "--wait", "--json")
    assert found.code == 0, found.err
    (new,) = [each["id"] for each in found.json["keys"] if each["seals"]]
    assert new != old
    assert found.json["unreadable"] == 0
    table = alone("secrets", "status").out
    assert old in table
    assert new in table
    assert "seals" in table
    refused = alone("secrets", "remove", new)
    assert refused.code == 1
    assert "is the one that seals" in refused.err
    assert "There is no key nothing" in alone("secrets", "remove", "nothing").err
    removed = alone("secrets", "remove", old)
    assert removed.code == 0, removed.err
    assert [each["id"] for each in alone("secrets", "status", "--json").json["keys"]] == [new]
    assert alone("job", "list", "--json").code == 0, "the access key was sealed anew, and opens"


def test_who_is_no_administrator_sees_and_changes_no_keys(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    cli("user", "create", "keyless", "--role", "developer")
    key = cli("user", "key", "keyless", "--json").json
    monkeypatch.setenv("ARKWRIGHT_ACCESS_KEY", key["access_key"])
    monkeypatch.setenv("ARKWRIGHT_SECRET_KEY", key["secret_key"])
    for command in (("status",), ("rotate",), ("remove", "x")):
        refused = cli("secrets", *command)
        assert refused.code == 1
        assert "no administrator of the installation" in refused.err
