from __future__ import annotations

import io
import json
import sys
import uuid

import pytest
from tests.cli.conftest import Cli, Running


@pytest.fixture
def name() -> str:
    return f"user-{uuid.uuid4().hex[:8]}"


def test_a_user_is_created_with_a_role_and_listed(cli: Cli, name: str) -> None:
    made = cli("user", "create", name, "--role", "developer", "--json")
    assert made.code == 0, made.err
    assert len(made.json["password"]) > 8
    assert list(made.json["roles"].values()) == ["developer"]
    listed = cli("user", "list", "--json").json["users"]
    assert [each["enabled"] for each in listed if each["name"] == name] == [True]
    row = next(line for line in cli("user", "list").out.splitlines() if line.startswith(name))
    assert "enabled" in row
    assert "developer" in row


def test_the_password_of_a_new_user_is_shown_and_works(
    cli: Cli, name: str, home: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = cli("user", "create", name, "--role", "viewer").out
    assert told.startswith(f"Created user {name}. Password: ")
    monkeypatch.setenv("ARKWRIGHT_USER", name)
    monkeypatch.setenv("ARKWRIGHT_PASSWORD", told.rsplit(" ", 1)[1].strip())
    monkeypatch.delenv("ARKWRIGHT_ACCESS_KEY", raising=False)
    assert cli("job", "list", "--json").code == 0
    assert "viewer" in cli("job", "delete", "nothing").err, "it is this user who asks"


def test_a_password_comes_from_stdin(cli: Cli, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("A-Good-Passw0rd\n"))
    done = cli("user", "create", name, "--password-stdin", "--json")
    assert done.code == 0, done.err
    assert "password" not in done.json
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    assert "no password on stdin" in cli("user", "reset-password", name, "--password-stdin").err
    assert cli("user", "reset-password", name, "--json").json["password"]


def test_a_disabled_users_key_stops_working_until_the_user_is_enabled(
    cli: Cli, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    cli("user", "create", name, "--role", "operator")
    key = cli("user", "key", name, "--json").json
    with monkeypatch.context() as as_user:
        as_user.setenv("ARKWRIGHT_ACCESS_KEY", key["access_key"])
        as_user.setenv("ARKWRIGHT_SECRET_KEY", key["secret_key"])
        assert cli("job", "list").code == 0
    assert cli("user", "disable", name).code == 0
    with monkeypatch.context() as as_user:
        as_user.setenv("ARKWRIGHT_ACCESS_KEY", key["access_key"])
        as_user.setenv("ARKWRIGHT_SECRET_KEY", key["secret_key"])
        assert "APIGW.0301" in cli("job", "list").err
    assert cli("user", "enable", name).code == 0
    assert cli("user", "get", name).json["enabled"] is True


def test_a_role_is_given_and_taken(cli: Cli, name: str) -> None:
    cli("user", "create", name)
    assert cli("user", "role", name, "operator").out == f"{name} is operator now.\n"
    assert list(cli("user", "get", name).json["roles"].values()) == ["operator"]
    assert cli("user", "role", name, "none", "--json").json == {"name": name, "role": None}
    assert cli("user", "get", name).json["roles"] == {}
    assert cli("user", "role", name, "king").code == 2


def test_the_audit_is_listed_with_filters(cli: Cli, name: str) -> None:
    cli("user", "create", name)
    cli("user", "disable", name)
    found = cli("audit", "list", "--installation", "--object", name, "--from", "1h", "--json")
    assert found.code == 0, found.err
    assert [each["operation"] for each in found.json["records"]] == ["disableUser", "createUser"]
    assert json.loads(found.out)["more"] is False
    table = cli("audit", "list", "--installation", "--operation", "disableUser").out
    assert name in table
    assert "success" in table
    limited = cli("audit", "list", "--installation", "--limit", "1", "--json").json
    assert (len(limited["records"]), limited["more"]) == (1, True)
    assert "Nothing was recorded" in cli("audit", "list", "--user", name).err


def test_a_time_that_is_none_is_told(cli: Cli) -> None:
    done = cli("audit", "list", "--from", "yesterday-ish")
    assert done.code == 2
    assert "is no time" in done.err
    assert cli("audit", "list", "--from", "2026-01-01", "--to", "2026-02-01T08:30").code == 0
