"""What must be true after the chaos, whatever happened in it: looked at in the database, the ledger and the counter.

* Nothing acknowledged is lost: each accepted run is there once, each saved script with its text.
* Every instance has ended, and its history replays to its state.
* No side effect twice: an attempt leaves at most one line, and exactly one if it is known to have ended by itself.
  Attempts are lost only where a fault explains it, and are tried again only as their node's policy says.
* Each plan time between the first and the last has one instance, each row of a For Each one child.
* Nothing is left over: no slot, no posted event, no lease of an attempt; counters are counts.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
from tests.chaos.jobs import EVERY_SECONDS, ROWS
from tests.chaos.load import Wish
from tests.chaos.record import Record
from tests.e2e.storm import replayed

from arkwright.core.instance import Instance, InstanceStatus, InstanceType, NodeStatus
from arkwright.core.outcome import Failed, FailureKind, Succeeded
from arkwright.engine.plans import Plans
from arkwright.store.base import AttemptRow, Store
from arkwright.store.open import open_store

_COUNTS = """
    SELECT place_id, job_id, w, at_ms / w, status, type, force_success, ignore_success, sum(n) FROM (
        SELECT place_id, j AS job_id, w, at_ms, status, type, force_success, ignore_success, 1 AS n
        FROM instance, unnest(ARRAY[job_id, -1]) AS j, unnest(ARRAY[86400000, 3600000, 60000]) AS w
        WHERE at_ms > 0) AS each
    GROUP BY 1, 2, 3, 4, 5, 6, 7, 8"""


@dataclass
class Found:
    """What the judge found."""

    instances: int = 0
    attempts: int = 0
    effects: int = 0
    lost: int = 0
    """Attempts whose fate could not be known; a fault explains each."""
    lost_done: int = 0
    """Of those: their side effect is in the ledger."""
    lost_how: Counter[str] = field(default_factory=Counter)
    """By the type of the node, and what is said of the loss."""
    lost_by: Counter[str] = field(default_factory=Counter)
    """By the fault that explains it; by each, if there are several."""
    effects_on: Counter[str] = field(default_factory=Counter)
    """By host."""
    fires: int = 0
    children: int = 0
    by_status: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


class Judge:
    def __init__(self, address: str, ledger: Path, counts: Counter[str], record: Record) -> None:
        self._address = address
        self._lines: dict[tuple[int, str, int], list[str]] = defaultdict(list)
        """Where each attempt left its lines."""
        for line in ledger.read_text().splitlines():
            instance_id, node, attempt, where = line.split()
            self._lines[int(instance_id), node, int(attempt)].append(where)
        self._counts = counts
        self._record = record
        self._hit: set[int] = set()
        """Instances that failed because an attempt was lost and its node had none to spare, or a child failed so."""
        self.found = Found()

    def judge(self, wishes: list[Wish], scripts: dict[str, str]) -> Found:
        asyncio.run(self._judge(wishes, scripts))
        return self.found

    def _wrong(self, what: str) -> None:
        self.found.wrong.append(what)

    async def _judge(self, wishes: list[Wish], scripts: dict[str, str]) -> None:
        store = open_store(self._address)
        await store.open()
        database = await asyncpg.connect(self._address)
        try:
            ids = [row[0] for row in await database.fetch("SELECT id FROM instance ORDER BY id")]
            instances: dict[int, Instance] = {}
            plans = Plans(store)
            for instance_id in ids:
                instance = await store.load_instance(instance_id)
                assert instance is not None
                instances[instance_id] = instance
                await self._judge_instance(store, plans, instance)
            self._hit |= {
                each.parent.instance_id for each in instances.values() if each.parent and each.id in self._hit
            }
            self._judge_wishes(wishes, instances)
            self._judge_children(instances)
            self._judge_fires(instances)
            self._judge_strangers(instances)
            await self._judge_database(database, scripts)
        finally:
            await database.close()
            await store.close()

    # -- one instance
    async def _judge_instance(self, store: Store, plans: Plans, instance: Instance) -> None:
        self.found.instances += 1
        self.found.by_status[instance.status] += 1
        name = f"{instance.job_name} {instance.id}"
        if not instance.ended:
            self._wrong(f"{name} has not ended: {instance.status}")
            return
        if await replayed(store, plans, instance) != instance:
            self._wrong(f"{name}: its history gives another state")
        attempts: dict[int, list[AttemptRow]] = defaultdict(list)
        for row in await store.list_attempts(instance.id):
            attempts[row.node].append(row)
        for run in instance.nodes:
            rows = sorted(attempts[run.index], key=lambda row: row.attempt)
            if [row.attempt for row in rows] != list(range(1, run.attempt + 1)):
                self._wrong(f"{name} {run.name}: attempts {[row.attempt for row in rows]}, not {run.attempt}")
            for row in rows:
                self._judge_attempt(instance, run.name, row)
            self._judge_retries(instance, run.name, run.status, rows)

    def _judge_attempt(self, instance: Instance, node: str, row: AttemptRow) -> None:
        self.found.attempts += 1
        name = f"{instance.job_name} {instance.id} {node} {row.attempt}"
        where = self._lines.get((instance.id, node, row.attempt), [])
        self.found.effects += len(where)
        self.found.effects_on.update(where)
        if len(where) > 1:
            self._wrong(f"{name} was done {len(where)} times, on {where}")
        if row.outcome is None or row.ended_ms is None:
            self._wrong(f"{name} has no outcome")
            return
        lost = isinstance(row.outcome, Failed) and row.outcome.kind is FailureKind.LOST
        if lost:
            self.found.lost += 1
            self.found.lost_done += bool(where)
            said = re.sub(r"[a-z0-9]+-[0-9a-f]{8}", "…", row.outcome.message or "")
            self.found.lost_how[f"{row.type}: {said}"] += 1
            host = where[0] if where else row.runner.rpartition("-")[0]
            faults = self._record.explain(row.started_ms / 1000, row.ended_ms / 1000, host)
            self.found.lost_by.update(set(faults))
            if not faults:
                self._wrong(f"{name} was lost, and no fault explains it: {row}")
        elif isinstance(row.outcome, Failed) and row.outcome.kind is FailureKind.REFUSED:
            self._wrong(f"{name} was refused: {row.outcome.message}")
        elif _cancelled(row) and instance.job_name != "stopped":
            self._wrong(f"{name} was cancelled, and nobody asked for that: {row.outcome}")
        elif row.type == "shell" and not where and not _cancelled(row):
            self._wrong(f"{name} ended, but did nothing: {row.outcome}")

    def _judge_retries(self, instance: Instance, node: str, status: NodeStatus, rows: list[AttemptRow]) -> None:
        name = f"{instance.job_name} {instance.id} {node}"
        for row in rows[:-1]:
            if isinstance(row.outcome, Succeeded) or _cancelled(row):
                self._wrong(f"{name} was tried again after {row.outcome}")
        if not rows:
            return
        last = rows[-1].outcome
        if isinstance(last, Failed) and last.kind is FailureKind.LOST and status is NodeStatus.FAIL:
            self._hit.add(instance.id)
        if isinstance(last, Succeeded) != (status is NodeStatus.SUCCESS) and not instance.force_success:
            self._wrong(f"{name} is {status} after {last}")
        meant = instance.job_name in ("broken", "stopped") and node == "a"
        if isinstance(last, Failed) and last.kind is FailureKind.ERROR and not meant:
            self._wrong(f"{name} failed: {last}")

    # -- all together
    def _judge_wishes(self, wishes: list[Wish], instances: dict[int, Instance]) -> None:
        made = Counter(
            instance.parameters.get("key", "")
            for instance in instances.values()
            if instance.instance_type is InstanceType.MANUAL
        )
        if made != Counter(wish.key for wish in wishes):
            wanted = Counter(wish.key for wish in wishes)
            self._wrong(f"too many: {(made - wanted).most_common(3)}; too few: {(wanted - made).most_common(3)}")
        for wish in wishes:
            instance = instances.get(wish.instance_id or 0)
            if instance is None or instance.parameters.get("key") != wish.key:
                self._wrong(f"{wish} is not what was accepted: {instance}")
                continue
            self._judge_end(wish, instance)
            if wish.job == "rest":
                run = instance.nodes[0]
                done = self._counts[wish.key]
                if not int(run.status is NodeStatus.SUCCESS) <= done <= run.attempt:
                    self._wrong(f"{wish}: {done} calls in {run.attempt} attempts, {run.status}")

    def _judge_end(self, wish: Wish, instance: Instance) -> None:
        meant = InstanceStatus.FAIL if wish.job == "broken" else InstanceStatus.SUCCESS
        if instance.status is meant or (wish.job == "stopped" and instance.status is InstanceStatus.MANUAL_STOP):
            return
        if instance.status is InstanceStatus.FAIL and instance.id in self._hit:
            return  # judged with the attempt
        self._wrong(f"{wish} ended as {instance.status}, {instance.message}: {instance.nodes}")

    def _judge_children(self, instances: dict[int, Instance]) -> None:
        rows: Counter[tuple[int, int, int, int]] = Counter()
        for child in instances.values():
            if child.parent is not None:
                link = child.parent
                rows[link.instance_id, link.node, link.attempt, link.row] += 1
        self.found.children = len(rows)
        twice = [link for link, number in rows.items() if number > 1]
        if twice:
            self._wrong(f"children twice: {twice}")
        for parent in instances.values():
            if parent.job_name in ("loop", "call") and parent.status is InstanceStatus.SUCCESS:
                attempt = parent.nodes[0].attempt
                got = sum(1 for link in rows if link[0] == parent.id and link[2] == attempt)
                if got != (ROWS if parent.job_name == "loop" else 1):
                    self._wrong(f"{parent.job_name} {parent.id} has {got} children")

    def _judge_fires(self, instances: dict[int, Instance]) -> None:
        """No plan time is missing between the first and the last, and none is there twice."""
        times: dict[str, list[int]] = defaultdict(list)
        for instance in instances.values():
            if instance.job_name in ("tick", "tock"):
                times[instance.job_name].append(instance.plan_time_ms)
                if instance.status is not InstanceStatus.SUCCESS and instance.id not in self._hit:
                    self._wrong(f"{instance.job_name} {instance.id} ended as {instance.status}")
        for job in ("tick", "tock"):
            found = sorted(times[job])
            self.found.fires += len(found)
            step = EVERY_SECONDS * 1000
            wanted = list(range(found[0], found[-1] + 1, step)) if found else []
            if not found or found != wanted:
                missing = sorted(set(wanted) - set(found))
                twice = [time for time, number in Counter(found).items() if number > 1]
                self._wrong(f"{job}: {len(found)} fires; missing {missing[:5]}, twice {twice[:5]}")

    def _judge_strangers(self, instances: dict[int, Instance]) -> None:
        names = {(instance.id, run.name): run.attempt for instance in instances.values() for run in instance.nodes}
        for instance_id, node, attempt in self._lines:
            if names.get((instance_id, node), 0) < attempt:
                self._wrong(f"{instance_id} {node} {attempt} was done, and is not known")

    async def _judge_database(self, database: Any, scripts: dict[str, str]) -> None:
        for table, what in (("slot", "slots"), ("posted", "posted events"), ("watched", "watches")):
            left = await database.fetchval(f"SELECT count(*) FROM {table}")
            if left:
                self._wrong(f"{left} {what} are left over")
        counted = {tuple(row)[:-1]: row[-1] for row in await database.fetch("SELECT * FROM instance_count")}
        really = {tuple(row)[:-1]: int(row[-1]) for row in await database.fetch(_COUNTS)}
        if counted != really:
            differ = {key for key in counted.keys() | really.keys() if counted.get(key) != really.get(key)}
            told = {key: (counted.get(key), really.get(key)) for key in sorted(differ, key=str)[:5]}
            self._wrong(f"{len(differ)} counters are no counts: {told}")
        rows = await database.fetch(
            "SELECT d.name, v.body FROM definition d JOIN definition_version v ON v.definition_id = d.id "
            "WHERE d.kind = 'script'"
        )
        saved = {row[0]: json.loads(row[1]) for row in rows}
        for name, text in scripts.items():
            if name not in saved or text not in json.dumps(saved[name]):
                self._wrong(f"script {name} was acknowledged, and is {saved.get(name)}")


def _cancelled(row: AttemptRow) -> bool:
    return isinstance(row.outcome, Failed) and row.outcome.kind is FailureKind.CANCELLED
