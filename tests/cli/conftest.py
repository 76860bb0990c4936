"""A real server in a process of its own, and the command line run against it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.executors.hosts import end_hosts

from arkwright.cli import run

COMMAND = (sys.executable, "-c", "from arkwright.cli import main; main()")
EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def clean_environment(**more: str) -> dict[str, str]:
    """This process's, without what would make a command find another server."""
    return {name: value for name, value in os.environ.items() if not name.startswith("ARKWRIGHT_")} | more


@dataclass(frozen=True, kw_only=True)
class Running:
    process: subprocess.Popen[str]
    url: str
    data: Path

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        code = self.process.wait(20)
        if self.process.stdout:
            self.process.stdout.close()
        return code


def start_server(data: Path, *options: str) -> Running:
    data.mkdir(parents=True, exist_ok=True)
    with (data / "server.log").open("a") as log:
        process = subprocess.Popen(
            [*COMMAND, "serve", "--port", "0", "--json", "--data", str(data), *options],
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env=clean_environment(),
        )
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, (data / "server.log").read_text()
    return Running(process=process, url=json.loads(line)["url"], data=data)


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server that all tests of this process share; each uses names of its own."""
    running = start_server(tmp_path_factory.mktemp("server") / "data")
    yield running
    assert running.stop() == 0
    end_hosts(running.data / "hosts")  # they would wait for the next server


@dataclass(frozen=True, kw_only=True)
class Done:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Cli = Callable[..., Done]


@pytest.fixture
def bare_cli(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Cli:
    """Runs a command line in this process; it knows no server but the one that the arguments name."""
    for name in [each for each in os.environ if each.startswith("ARKWRIGHT_")]:
        monkeypatch.delenv(name)

    def call(*arguments: str) -> Done:
        capfd.readouterr()
        code = run(arguments)
        sys.stdout.flush()
        out, err = capfd.readouterr()
        return Done(code=code, out=out, err=err)

    return call


@pytest.fixture
def cli(bare_cli: Cli, home: Running, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """As `bare_cli`, with the data folder of the shared server."""
    monkeypatch.setenv("ARKWRIGHT_DATA", str(home.data))
    return bare_cli


def job(name: str, *statements: str, **params: str) -> dict[str, Any]:
    """A chain of Shell nodes: n0, n1, …"""
    return {
        "name": name,
        "processType": "BATCH",
        "schedule": {"type": "EXECUTE_ONCE"},
        "params": [{"name": key, "value": value, "type": "variable"} for key, value in params.items()],
        "nodes": [
            {
                "name": f"n{number}",
                "type": "Shell",
                "location": {"x": number, "y": 0},
                "preNodeName": [f"n{number - 1}"] if number else [],
                "properties": [{"name": "statement", "value": statement}],
            }
            for number, statement in enumerate(statements)
        ],
    }


@pytest.fixture
def save(cli: Cli, tmp_path: Path) -> Callable[[dict[str, Any]], str]:
    """Create a job, and answer its name."""

    def create(document: dict[str, Any]) -> str:
        file = tmp_path / f"{document['name']}.json"
        file.write_text(json.dumps(document))
        done = cli("job", "create", str(file))
        assert done.code == 0, done.err
        return str(document["name"])

    return create
