from __future__ import annotations

import io
import sys
import uuid

import pytest
from tests.cli.conftest import Cli, job


def test_local_programs_are_off_in_a_new_workspace_until_an_administrator_allows_them(
    cli: Cli, save, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"w-{uuid.uuid4().hex[:8]}"
    made = cli("workspace", "create", name, "--time-zone", "Europe/Berlin", "--json").json
    assert made["name"] == name
    here = ("--workspace", made["id"])
    [listed] = [each for each in cli("workspace", "list", "--json").json["workspaces"] if each["id"] == made["id"]]
    assert (listed["time_zone"], listed["local_programs_allowed"]) == ("Europe/Berlin", False)
    [row] = [line for line in cli("workspace", "list").out.splitlines() if line.startswith(name)]
    assert made["id"] in row

    document = save(job("trusted", "echo it ran"))
    stored = cli("job", "get", document).out
    assert cli("workspace", "local-programs", "on", "--workspace", "nowhere").code == 1
    monkeypatch.setattr(sys, "stdin", io.StringIO(stored))
    assert cli("job", "create", "-", *here).code == 0
    refused = cli("job", "run", document, "--wait", *here)
    assert refused.code == 1
    assert "not allowed in this workspace" in refused.out
    assert "allowed" in cli("workspace", "local-programs", "on", *here).out
    assert cli("job", "run", document, "--wait", *here).code == 0
    assert cli("workspace", "local-programs", "off", *here).code == 0
    assert cli("job", "run", document, "--wait", *here).code == 1


def test_a_workspace_is_made_once(cli: Cli) -> None:
    name = f"w-{uuid.uuid4().hex[:8]}"
    assert cli("workspace", "create", name).code == 0
    again = cli("workspace", "create", name)
    assert again.code == 1
    assert name in again.err
