"""What goes wrong, at random from a seed: who can't hear whom, what is killed, what is frozen, whose clock is wrong.

A fault has a beginning and an end, and both are noted. At most one befalls a host at a time, and at most three
happen at once. Servers that have ended are started again, as a supervisor does; one that ends by itself is noted.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.chaos.machines import LEASE_SECONDS, Cluster, Machine
from tests.chaos.network import Host
from tests.chaos.record import DATABASE, Fault, Record

AT_ONCE = 3
LOOK_SECONDS, LEAST_WAIT_SECONDS = 0.5, 0.05
CALM_SECONDS = 300.0
"""For all servers to come up, on a machine that is busy."""
WRONG_CLOCKS = ("+45s", "-45s")
_FAKE_CLOCK = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1")


@dataclass
class Faults:
    cluster: Cluster
    seed: int
    ended_by_themselves: Counter[str] = field(default_factory=Counter)
    """Servers, by host and what they said last."""
    _active: list[Fault] = field(default_factory=list)
    _unheard: set[str] = field(default_factory=set)
    """Hosts whose server was started, and has not been seen to accept."""

    def __post_init__(self) -> None:
        self._random = random.Random(f"faults {self.seed}")
        self._kinds = self._possible()
        self.record = Record(LEASE_SECONDS, self.cluster.needs)

    # -- life
    def watch_machine(self, ended: threading.Event) -> None:
        """Notes how long servers wait for a processor: run it on a thread of its own."""
        known: dict[int, int] = {}
        while not ended.wait(LOOK_SECONDS):
            now = time.time()
            for host, pids in self._watched():
                waited = [_waited(pid, known) for pid in pids]
                if waited and max(waited) > LEAST_WAIT_SECONDS:
                    self.record.waits.append((host, now, max(waited)))

    def _watched(self) -> list[tuple[str, list[int]]]:
        """The processes of each host on which its leases hang."""
        found = []
        for name, machine in self.cluster.machines.items():
            process = machine.house.process
            found.append((name, [] if process is None else [process.pid]))
        return [*found, (DATABASE, self.cluster.database.host.pids())]

    def rage(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self._end_some()
            self._supervise()
            if len(self._active) < AT_ONCE and self._random.random() < 0.5:
                self._begin()
            time.sleep(self._random.uniform(0.05, 0.4))  # the random moment of the next fault

    def calm(self) -> None:
        """No fault any more, and every server up."""
        for fault in list(self._active):
            self._end(fault)
        self.cluster.network.heal()
        until = time.monotonic() + CALM_SECONDS
        while self._unheard or not all(machine.up for machine in self.cluster.machines.values()):
            assert time.monotonic() < until, f"not all servers come up: {sorted(self._unheard)}"
            self._supervise()
            for name in sorted(self._unheard):
                machine = self.cluster.machines[name]
                if not machine.up:
                    continue
                with contextlib.suppress(AssertionError, ValueError):  # it has ended: the supervisor sees it next time
                    machine.house.accepting()
                    self._unheard.discard(name)

    def counts(self) -> dict[str, int]:
        return dict(sorted(Counter(fault.kind for fault in self.record.faults).items()))

    # -- one after another
    def _begin(self) -> None:
        kind, where, begin, longest = self._random.choice(self._kinds)
        if any(fault.where == where for fault in self._active):
            return
        end = begin()
        fault = Fault(kind, where, time.time(), end, self._random.uniform(0.3, longest))
        self._active.append(fault)
        self.record.faults.append(fault)

    def _end_some(self) -> None:
        for fault in list(self._active):
            if time.time() >= fault.begun + fault.seconds:
                self._end(fault)

    def _end(self, fault: Fault) -> None:
        fault.end()
        fault.ended = time.time()
        self._active.remove(fault)

    def _supervise(self) -> None:
        """A server that is gone is started again, unless a fault keeps it down."""
        down = {fault.where for fault in self._active}
        for machine in self.cluster.machines.values():
            if machine.up or machine.name in down:
                continue
            if machine.house.process is not None:  # it ended by itself
                self.ended_by_themselves[f"{machine.name}: {_last_words(machine)}"] += 1
                machine.house.kill()
            self._spawn(machine)

    def _spawn(self, machine: Machine) -> None:
        machine.house.spawn()
        self._unheard.add(machine.name)

    # -- the kinds
    def _possible(self) -> list[tuple[str, str, Callable[[], Callable[[], None]], float]]:
        """(kind, where, how it begins, longest duration in seconds); what begins answers how it ends."""
        long = 2.5 * LEASE_SECONDS
        found: list[tuple[str, str, Callable[[], Callable[[], None]], float]] = []
        for machine in self.cluster.machines.values():
            role, name = machine.kind, machine.name

            def of(
                make: Callable[..., Callable[[], None]], *given: Host, machine: Machine = machine
            ) -> Callable[[], Callable[[], None]]:
                return lambda: make(machine, *given)

            for what, other in self._spoken_to(machine):
                found += [
                    (f"partition {role}|{what}", name, of(self._cut, other), long),
                    (f"partition {role}|{what}, one way", name, of(self._cut_one_way, other), long),
                    (f"loss {role}|{what}", name, of(self._lose, other), long),
                ]
            found += [
                (f"slow {role}", name, of(self._slow), long),
                (f"kill -9 {role}", name, of(self._kill), 2.0),
                (f"freeze {role}", name, of(self._freeze_server), long),
                (f"freeze host of {role}", name, of(self._freeze_host), long),
                (f"power cut at {role}", name, of(self._power_cut), long),
                (f"restart {role}", name, of(self._terminate), 0.3),
            ]
            if "engine" in machine.roles:
                found.append((f"kill -9 resident host of {role}", name, of(self._kill_resident), 0.3))
            if _FAKE_CLOCK.exists() and machine.roles != "dask":
                found.append((f"wrong clock {role}", name, of(self._wrong_clock), 2.0))
        for _ in range(2):
            found += [
                ("kill -9 database", "db", self._kill_database, 1.0),
                ("kill -9 a database backend", "db", self._kill_backend, 0.3),
                ("freeze database", "db", self._freeze_database, LEASE_SECONDS),
            ]
        return found

    def _spoken_to(self, machine: Machine) -> list[tuple[str, Host]]:
        """Whom it needs: what that is called, and its host."""
        dask = [("dask", each.host) for each in self.cluster.machines.values() if each.roles == "dask"]
        if machine.roles == "dask":
            return []
        if machine.roles == "worker":
            return [*dask, *(("api", each.host) for each in self.cluster.apis)]
        return [("database", self.cluster.database.host), *(dask if "engine" in machine.roles else [])]

    def _cut(self, machine: Machine, other: Host) -> Callable[[], None]:
        self.cluster.network.cut(machine.host, other)
        return lambda: self.cluster.network.heal([machine.host])

    def _cut_one_way(self, machine: Machine, other: Host) -> Callable[[], None]:
        pair = [machine.host, other]
        self._random.shuffle(pair)
        self.cluster.network.cut(*pair, back=False)
        return lambda: self.cluster.network.heal(pair)

    def _lose(self, machine: Machine, other: Host) -> Callable[[], None]:
        pair = [machine.host, other]
        self.cluster.network.lose(*pair)
        return lambda: self.cluster.network.heal(pair)

    def _slow(self, machine: Machine) -> Callable[[], None]:
        self.cluster.network.slow(machine.host)
        return lambda: self.cluster.network.fast(machine.host)

    def _kill(self, machine: Machine) -> Callable[[], None]:
        if machine.house.process is not None:
            machine.house.kill()
        return lambda: self._spawn(machine)

    def _terminate(self, machine: Machine) -> Callable[[], None]:
        """As a rolling upgrade does; one that doesn't end in time is killed, as a supervisor does."""
        if machine.house.process is not None:
            machine.house.process.send_signal(signal.SIGTERM)

        def end() -> None:
            if machine.house.process is not None:
                with contextlib.suppress(Exception):
                    machine.house.process.wait(12)
                machine.house.kill()
            self._spawn(machine)

        return end

    def _wrong_clock(self, machine: Machine) -> Callable[[], None]:
        """Its clock is another one from now on."""
        wrong = self._random.choice(WRONG_CLOCKS)
        settings = {"LD_PRELOAD": str(_FAKE_CLOCK), "FAKETIME": wrong, "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
        machine.house.environment = {} if machine.house.environment else settings
        return self._kill(machine)

    def _freeze_server(self, machine: Machine) -> Callable[[], None]:
        process = machine.house.process
        if process is None or process.poll() is not None:
            return lambda: None
        process.send_signal(signal.SIGSTOP)
        return lambda: process.send_signal(signal.SIGCONT)

    def _freeze_host(self, machine: Machine) -> Callable[[], None]:
        machine.signal(signal.SIGSTOP)
        return lambda: machine.signal(signal.SIGCONT)

    def _power_cut(self, machine: Machine) -> Callable[[], None]:
        machine.power_cut()
        return lambda: self._spawn(machine)

    def _kill_resident(self, machine: Machine) -> Callable[[], None]:
        for pid in machine.resident_hosts():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return lambda: None

    def _kill_database(self) -> Callable[[], None]:
        self.cluster.database.kill()
        return self.cluster.database.start

    def _kill_backend(self) -> Callable[[], None]:
        """PostgreSQL ends all others then, and recovers from its log."""
        pids = self.cluster.database.backends()
        if pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._random.choice(pids), signal.SIGKILL)
        return lambda: None

    def _freeze_database(self) -> Callable[[], None]:
        self.cluster.database.signal(signal.SIGSTOP)
        return lambda: self.cluster.database.signal(signal.SIGCONT)


def _last_words(machine: Machine) -> str:
    lines = [line for line in machine.house.log.splitlines() if line.strip()]
    told = next((line for line in reversed(lines) if line.startswith("Error")), lines[-1] if lines else "nothing")
    return told[:100]


def _waited(pid: int, known: dict[int, int]) -> float:
    """For how many seconds it could have run and did not, since the last look."""
    try:
        total = int(Path(f"/proc/{pid}/schedstat").read_text().split()[1])
    except (OSError, ValueError, IndexError):
        return 0.0
    before = known.get(pid, total)
    known[pid] = total
    return max(0, total - before) / 1e9
