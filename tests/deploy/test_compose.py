"""The Compose file: as its specification says, and calling only what there is."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from tests.deploy.commands import objection

from arkwright.settings import Settings, variable_of

DEPLOY = Path(__file__).parents[2] / "deploy"
FILE = DEPLOY / "compose.yaml"
CLIENTS = {"ARKWRIGHT_URL", "ARKWRIGHT_CA_FILE", "ARKWRIGHT_USER", "ARKWRIGHT_PASSWORD"}
"""Variables that commands read, which are no settings of a server."""


def example() -> dict[str, str]:
    """The variables of the example file, each with a value."""
    lines = (DEPLOY / "compose.env.example").read_text().splitlines()
    return {line.split("=")[0]: "filled1n" for line in lines if "=" in line and not line.startswith("#")}


def test_it_is_what_the_compose_specification_says() -> None:
    pytest.importorskip("check_jsonschema", reason="it is a test dependency")
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(FILE)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    """As podman-compose reads the file, with the example's variables filled in."""
    pytest.importorskip("podman_compose", reason="it is a test dependency")
    import yaml

    command = [sys.executable, "-m", "podman_compose", "-f", str(FILE), "config"]
    given = os.environ | example()
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=given, cwd="/")
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = yaml.safe_load(done.stdout)
    return dict(found["services"])


def test_an_empty_secret_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("podman_compose", reason="it is a test dependency")
    command = [sys.executable, "-m", "podman_compose", "-f", str(FILE), "config"]
    given = {name: value for name, value in os.environ.items() if not name.startswith("ARKWRIGHT_")}
    given |= {name: value for name, value in example().items() if name != "POSTGRES_PASSWORD"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=given, cwd=tmp_path)
    assert done.returncode != 0
    assert "set it in .env" in done.stderr + done.stdout


def test_all_parts_are_there(services: dict[str, Any]) -> None:
    roles = {name: each["command"][2] for name, each in services.items() if each.get("command", [""])[0] == "serve"}
    assert roles == {"server1": "api,engine", "server2": "api,engine", "scheduler": "scheduler"}
    assert {"database", "objects"} <= services.keys()


@pytest.mark.parametrize("group", ["default", "heavy"])
def test_a_group_has_its_dask_scheduler_and_nobody_reaches_it_but_servers_and_its_workers(
    services: dict[str, Any], group: str
) -> None:
    dask, worker = services[f"dask-{group}"], services[f"worker-{group}"]
    ways = services["server1"]["environment"]["ARKWRIGHT_EXECUTOR"].split(",")
    assert f"{group}=tls://dask-{group}:8786" in ways
    assert {
        f"--group={group}",
        f"--scheduler=tls://dask-{group}:8786",
    } <= {*worker["command"]}
    (own,) = dask["networks"]
    there = {name for name, each in services.items() if own in each.get("networks", ())}
    assert there == {f"dask-{group}", f"worker-{group}", "server1", "server2"}


@pytest.mark.parametrize("group", ["default", "heavy"])
def test_a_group_has_its_own_token_and_the_workers_certificate_and_no_other_key(
    services: dict[str, Any], group: str
) -> None:
    """Programs of nodes can read what their worker can, and who reaches a Dask scheduler can have it run anything."""
    for name in (f"dask-{group}", f"worker-{group}"):
        mounted = dict(each.split(":", 1) for each in services[name]["volumes"])
        assert mounted.pop(f"keys-{group}") == "/etc/arkwright:ro"
        assert set(mounted) <= {name}
        for option in services[name]["command"]:
            for file in re.findall(r"=/etc/arkwright/(\S+)", option):
                assert file in {"ca.pem", "worker.pem", "worker-key.pem", "token"}
    given = services[f"keys-{group}"]["command"][0]
    assert f"token create --group {group} " in given
    assert set(re.findall(r"tls/(\S+)", given)) == {"ca.pem", "worker.pem", "worker-key.pem"}


def test_the_authoritys_key_is_where_certificates_are_made_and_nowhere_else(services: dict[str, Any]) -> None:
    having = [name for name, each in services.items() if any("authority:" in one for one in each.get("volumes", ()))]
    assert having == ["certificates"]
    (line,) = services["certificates"]["command"]
    assert "certificates make . " in line
    assert "ca-key" not in line


def test_what_a_service_waits_for_is_there_and_named_volumes_are_declared(services: dict[str, Any]) -> None:
    for name, each in services.items():
        assert set(each.get("depends_on", {})) <= services.keys(), name
    text = json.dumps(services)
    assert "\u0024{" not in text, "a variable was not filled in"


def test_our_commands_and_settings_exist(services: dict[str, Any]) -> None:
    known = {variable_of(each.name) for each in fields(Settings)} | CLIENTS
    for name, each in services.items():
        if "arkwright" not in each["image"]:
            continue
        given = set(each.get("environment", {}))
        assert given <= known, (name, given - known)
        command = each["command"]
        if "entrypoint" in each:  # a line for the shell
            (call,) = (part for part in re.split(r"&&|\|\||[;{}]", command[0]) if "arkwright " in part)
            command = shlex.split(call)[1:]
        assert not objection(command), name
