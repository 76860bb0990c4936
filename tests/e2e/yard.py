"""A house with a Dask scheduler and workers, each a process of its own, ended by signals."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.e2e.house import COMMAND, START_SECONDS, House, clean_environment, until

LEASE_SECONDS = 3.0


def other_version(version: str) -> tuple[str, ...]:
    """The same command, of another version."""
    change = f"import arkwright; arkwright.__version__ = {version!r}"
    return (sys.executable, "-c", f"{change}; from arkwright.cli import main; main()")


@dataclass(kw_only=True)
class Process:
    """A command that says one line of JSON once it is ready."""

    name: str
    folder: Path
    arguments: Sequence[str]
    command: Sequence[str] = COMMAND
    running: subprocess.Popen[str] | None = None

    @property
    def log(self) -> str:
        return (self.folder / f"{self.name}.log").read_text()

    @property
    def pid(self) -> int:
        assert self.running is not None
        return self.running.pid

    def spawn(self) -> None:
        assert self.running is None
        with (self.folder / f"{self.name}.log").open("a") as log:
            self.running = subprocess.Popen(
                [*self.command, *self.arguments, "--json"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=clean_environment(),
                start_new_session=True,
            )

    def ready(self) -> Any:
        assert self.running is not None
        assert self.running.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(self.running.stdout, selectors.EVENT_READ)
            assert selector.select(START_SECONDS), f"{self.name} did not start:\n{self.log}"
        line = self.running.stdout.readline()
        assert line, f"{self.name} ended:\n{self.log}"
        return json.loads(line)

    def start(self) -> Any:
        self.spawn()
        return self.ready()

    def signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def ended(self, seconds: float = 60) -> int:
        """Its exit code."""
        assert self.running is not None
        code = self.running.wait(seconds)
        assert self.running.stdout is not None
        self.running.stdout.close()
        self.running = None
        return code

    def kill(self) -> None:
        if self.running is not None:
            self.running.kill()
            self.ended()


@dataclass(kw_only=True)
class Yard:
    folder: Path
    home: House
    scheduler: Process
    workers: dict[str, Process] = field(default_factory=dict)
    address: str = ""
    tls: Sequence[str] = ()

    def start_scheduler(self) -> None:
        self.address = self.scheduler.start()["address"]
        command, option, _, *more = self.scheduler.arguments
        self.scheduler.arguments = [command, option, self.address, *more]  # from now on the same port

    def token(self, *groups: str, days: int = 1) -> Path:
        client = self.home.client()
        made = client.good("POST", "worker-tokens", {"groups": list(groups), "days": days})
        client.close()
        file = self.folder / f"token-{made['id']}"
        file.write_text(made["token"] + "\n")
        return file

    def worker(self, name: str, *groups: str, command: Sequence[str] = COMMAND, **options: str) -> Process:
        """Not started yet."""
        given = {"--slots": "4", "--grace": "5", **{f"--{key}": value for key, value in options.items()}}
        made = Process(
            name=name,
            folder=self.folder,
            command=command,
            arguments=[
                *("worker", "--scheduler", self.address, "--api", self.home.url, *self.tls),
                *("--token-file", str(self.token(*groups)), "--data", str(self.folder / name)),
                *(part for group in groups for part in ("--group", group)),
                *(part for pair in given.items() for part in pair),
            ],
        )
        self.workers[name] = made
        return made

    def close(self) -> None:
        for each in self.workers.values():
            each.kill()
        self.scheduler.kill()
        self.home.close()
        for claim in self.folder.glob("*/runs/*/child"):
            lines = claim.read_text().splitlines()
            claimed = lines[0].split() if len(lines) == 1 else []
            if len(claimed) > 2:
                with contextlib.suppress(OSError):
                    os.killpg(int(claimed[1]), signal.SIGKILL)


@contextlib.contextmanager
def yard(folder: Path, *options: str, scheme: str = "dask", tls: Sequence[str] = ()) -> Iterator[Yard]:
    """Without workers yet. `options`: of the server; `tls`: of scheduler and workers."""
    listen = ["dask-scheduler", "--listen", f"{scheme}://127.0.0.1:0", *tls]
    scheduler = Process(name="scheduler", folder=folder, arguments=listen)
    made = Yard(folder=folder, home=House(folder=folder / "house"), scheduler=scheduler, tls=tls)
    try:
        made.start_scheduler()
        made.home.options = (*("--executor", made.address, "--attempt-lease-seconds", str(LEASE_SECONDS), *options),)
        made.home.start()
        yield made
    finally:
        made.close()


def gone(group: int) -> bool:
    """Whether nothing of a process group runs any more."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return True
    listing = subprocess.run(["ps", "-eo", "pgid=,stat="], capture_output=True, text=True, check=True).stdout
    members = (line.split() for line in listing.splitlines())
    return not any(member[0] == str(group) and not member[1].startswith("Z") for member in members)


def written(file: Path, lines: int = 1) -> list[str]:
    """The lines of a file once there are so many."""
    until(lambda: file.exists() and len(file.read_text().splitlines()) >= lines, f"{lines} lines in {file.name}", 20)
    return file.read_text().splitlines()
