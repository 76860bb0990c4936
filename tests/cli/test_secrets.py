"""`arkwright secrets`: the key changes, everything opens on, and who is no administrator learns nothing."""

from __future__ import annotations

import pytest
from tests.cli.conftest import Cli


def test_a_key_is_rotated_shown_and_removed_and_everything_works_on(cli: Cli) -> None:
    before = cli("secrets", "status", "--json").json
    (old,) = [each["id"] for each in before["keys"] if each["seals"]]
    found = cli("secrets", "rotate", "--wait", "--json")
    assert found.code == 0, found.err
    (new,) = [each["id"] for each in found.json["keys"] if each["seals"]]
    assert new != old
    assert found.json["unreadable"] == 0
    table = cli("secrets", "status").out
    assert old in table
    assert new in table
    assert "seals" in table
    refused = cli("secrets", "remove", new)
    assert refused.code == 1
    assert "is the one that seals" in refused.err
    assert "There is no key nothing" in cli("secrets", "remove", "nothing").err
    removed = cli("secrets", "remove", old)
    if removed.code:  # a run of another test has not ended: it says so
        assert "still sealed with the key" in removed.err
    else:
        assert [each["id"] for each in cli("secrets", "status", "--json").json["keys"]] == [new]
    assert cli("job", "list", "--json").code == 0, "the access key was sealed anew, and opens"


def test_who_is_no_administrator_sees_and_changes_no_keys(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    cli("user", "create", "keyless", "--role", "developer")
    key = cli("user", "key", "keyless", "--json").json
    monkeypatch.setenv("ARKWRIGHT_ACCESS_KEY", key["access_key"])
    monkeypatch.setenv("ARKWRIGHT_SECRET_KEY", key["secret_key"])
    for command in (("status",), ("rotate",), ("remove", "x")):
        refused = cli("secrets", *command)
        assert refused.code == 1
        assert "no administrator of the installation" in refused.err
