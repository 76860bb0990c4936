"""One run of the chaos: a cluster, a load, faults, calm, judgement, and what there is to tell of it."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from tests.chaos.faults import Faults
from tests.chaos.jobs import counting, save, scheduled
from tests.chaos.judge import Found, Judge
from tests.chaos.load import Figures, Load, quantile
from tests.chaos.machines import LEASE_SECONDS, Cluster, cluster
from tests.chaos.network import network
from tests.e2e.house import until

PACE = 8.0
"""Runs wanted a second; each is several instances and attempts."""
SETTLE_SECONDS = 180
_DEFECTS = re.compile(r"Traceback| CRITICAL (?!distributed\.)|because of a defect|IllegalTransition")
"""Dask calls it critical when one of its clients is gone."""
_EXPLAINED = re.compile(
    r"(Connection\w*Error|TimeoutError|OSError|asyncpg\.|arkwright\.errors\.(StoreUnavailable|DatabaseAway)|httpx2\."
    r"|distributed\.comm\.core\.CommClosedError"
    r"|asyncio\.exceptions\.CancelledError: Task cancelled, timeout graceful shutdown exceeded)"
)
"""How a traceback ends that tells of nothing but that somebody could not be reached. The last one: of a request that
waited for the database when its server was told to end."""
_SHOWN_LINES = 30


@dataclass
class Told:
    seed: int
    seconds: float
    faults: dict[str, int] = field(default_factory=dict)
    restarts: dict[str, int] = field(default_factory=dict)
    figures: Figures = field(default_factory=Figures)
    found: Found = field(default_factory=Found)
    settle_seconds: float = 0.0
    accepted: int = 0
    waited: dict[str, float] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    def text(self, took: float) -> str:
        faults = "".join(f"    {number:>4}  {kind}\n" for kind, number in self.faults.items())
        figures, found = self.figures, self.found
        restarts = "".join(f"    {number:>4}  {who}\n" for who, number in sorted(self.restarts.items()))
        waits = ", ".join(f"{host} {seconds:.1f} s" for host, seconds in sorted(self.waited.items()))
        hosts = ", ".join(f"{number} on {host}" for host, number in sorted(found.effects_on.items()))
        lost = "".join(f"    {number:>4}  {how}\n" for how, number in found.lost_how.most_common())
        lost += "".join(f"    {number:>4}  explained by: {kind}\n" for kind, number in found.lost_by.most_common())
        wrong = "".join(f"    {each}\n" for each in self.wrong[:20])
        statuses = ", ".join(f"{number} {status}" for status, number in sorted(found.by_status.items()))
        return (
            f"seed {self.seed}, {self.seconds:.0f} s of faults, {took:.0f} s in all, lease {LEASE_SECONDS} s\n"
            f"  {sum(self.faults.values())} faults\n{faults}"
            f"  servers that ended by themselves and were started again: {'' if restarts else 'none'}\n{restarts}"
            f"  longest waits for a processor within a lease: {waits or 'none'}\n"
            f"  {figures.sent} requests, {figures.unanswered} of them without an answer ({figures.errors} errors); "
            f"{self.accepted} runs accepted\n"
            f"  acceptance p50 {quantile(figures.seconds, 0.5) * 1e3:.0f} ms, "
            f"p99 {quantile(figures.seconds, 0.99) * 1e3:.0f} ms\n"
            f"  {found.instances} instances ({statuses}), {found.children} of them children, "
            f"{found.fires} planned fires\n"
            f"  {found.attempts} attempts, {found.effects} side effects ({hosts}); "
            f"{found.lost} attempts lost to a fault, of which {found.lost_done} had left a line\n{lost}"
            f"  all had ended {self.settle_seconds:.1f} s after the last fault\n"
            f"  {len(self.wrong)} violations\n{wrong}"
        )


class Chaos:
    def __init__(self, folder: Path, *, seed: int, seconds: float, roles: Sequence[tuple[str, str]]) -> None:
        self._folder = folder
        self._told = Told(seed, seconds)
        self._ledger = folder / "ledger"
        self._roles = roles

    def run(self) -> Told:
        told = self._told
        self._ledger.touch()
        with network() as net, counting(net.gateway) as calls, cluster(net, self._folder, self._roles) as made:
            with_api = made.client(made.apis[0])
            jobs = save(with_api, self._ledger, f"http://{net.gateway}:{calls.port}/")
            for name in scheduled(self._ledger):
                with_api.good("POST", f"jobs/{name}/start")
            with_api.close()
            load, faults = Load(made, jobs, told.seed, PACE), Faults(made, told.seed)
            ended = threading.Event()
            watch = threading.Thread(target=faults.watch_machine, args=[ended], daemon=True)
            watch.start()
            try:
                load.start()
                faults.rage(told.seconds)
                load.end()
                since = time.monotonic()
                faults.calm()
                load.fulfil()
                self._stop_schedules(made)
                self._settle(made)
                told.settle_seconds = time.monotonic() - since
            finally:
                ended.set()
                watch.join(30)
            told.waited = faults.record.waited()
            told.faults, told.restarts, told.figures = faults.counts(), dict(faults.ended_by_themselves), load.figures
            told.accepted = sum(wish.instance_id is not None for wish in load.wishes)
            told.found = Judge(made.database.address, self._ledger, calls.counts, faults.record).judge(
                load.wishes, load.scripts
            )
            told.wrong += [*load.figures.wrong, *told.found.wrong, *self._defects(made)]
        return told

    def _stop_schedules(self, made: Cluster) -> None:
        client = made.client(made.apis[0])
        for name in scheduled(self._ledger):
            client.good("POST", f"jobs/{name}/stop")
        client.close()

    def _settle(self, made: Cluster) -> None:
        """Everything ends without anybody's help; what doesn't is judged."""
        try:
            until(lambda: not made.database.unended(), "all instances have ended", SETTLE_SECONDS)
        except AssertionError:
            with psycopg.connect(made.database.address, autocommit=True) as database:
                rows = database.execute("SELECT id, status, owner, version FROM instance WHERE ended = 0 LIMIT 10")
                self._told.wrong.append(f"{made.database.unended()} instances don't end: {rows.fetchall()}")

    def _defects(self, made: Cluster) -> list[str]:
        found = []
        for machine in made.machines.values():
            lines = machine.house.log.splitlines()
            hits = [number for number, line in enumerate(lines) if _DEFECTS.search(line) and _is_defect(lines[number:])]
            for at in hits[:2]:
                told = " / ".join(lines[max(0, at - 2) : at + _SHOWN_LINES])
                found.append(f"{machine.name}'s log: {told}")
        return found


def _is_defect(lines: list[str]) -> bool:
    """Whether what begins here is more than the traceback of a connection that failed."""
    if "Traceback" not in lines[0]:
        return True
    end = next((line for line in lines[1:] if line and not line.startswith((" ", "|", "+"))), "")
    return not _EXPLAINED.match(end)
