"""Requests from several clients at a server that is killed again and again, and what must be true at the end.

The jobs leave a line in a trace file (or a row in a table) for each thing that they do, so that what was done twice, or
never, is seen from outside.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import random
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

import msgspec
from tests.e2e.house import Client, House, Reply, node, until
from tests.e2e.storm_jobs import called_jobs, kinds

from arkwright.core.instance import Instance
from arkwright.core.outcome import Failed, FailureKind
from arkwright.core.step import step
from arkwright.engine.plans import Plans
from arkwright.store.base import Store
from arkwright.store.open import open_store

CLIENTS = 4
LONGEST_SECONDS = 0.08
"""From the first request of a round to the kill."""
RETRIES_UNTIL = 6
"""Rounds before the last."""
STARTING_SECONDS = 0.8
"""Within which a server is killed that is not to get as far as to accept."""


@dataclass
class Wish:
    """One run that a client wants: under one key, however often it asks."""

    key: str
    job: str
    given_up: bool = False
    """Its client heard nothing, and doesn't ask again before the end."""
    instance_id: int | None = None
    stop_acknowledged: bool = False


@dataclass
class Count:
    kills: int = 0
    early_kills: int = 0
    sent: int = 0
    acknowledged: int = 0
    stops: int = 0
    repeated: int = 0
    unanswered: int = 0
    seconds: float = 0.0
    wrong: list[str] = field(default_factory=list)


class Storm:
    def __init__(self, house: House, seed: int, kills: int) -> None:
        self.house = house
        self.kinds = kinds(house.folder / "trace")
        self.wishes: list[Wish] = []
        self.count = Count()
        self._kills = kills
        self.unavailable_is_an_answer = False
        self._random = random.Random(seed)
        self._seed = seed
        self._queue: SimpleQueue[Wish | None] = SimpleQueue()
        self._flowing = threading.Event()
        self._up = False
        self._lock = threading.Lock()
        self._busy = threading.Semaphore(0)

    def prepare(self) -> None:
        client = self.house.client()
        text = "INSERT INTO trace VALUES ('${key}'); SELECT 8"
        client.good("POST", "scripts", {"name": "insert", "type": "DLISQL", "content": text, "connectionName": ""})
        client.save_job("tables", node("t", "DLISQL", statement="CREATE TABLE trace (key VARCHAR)"))
        for name, nodes in called_jobs(self.house.folder / "trace").items():
            client.save_job(name, *nodes)
        for name, kind in self.kinds.items():
            client.save_job(name, *kind.nodes)
        assert client.ended("tables", client.run("tables"))["status"] == "success"
        client.close()

    # -- the storm
    def rage(self) -> None:
        begun = time.monotonic()
        self.house.kill()
        for left in reversed(range(self._kills)):
            if self._random.random() < 0.1:
                self._kill_a_starting_one()
            self._round(left)
        self.count.seconds = time.monotonic() - begun

    def _kill_a_starting_one(self) -> None:
        self.house.spawn()
        self._pause(self._random.uniform(0, STARTING_SECONDS))
        self.house.kill()
        self.count.early_kills += 1

    def _round(self, left: int) -> None:
        self.house.start()
        with self._clients(self._next_wishes(left)):
            assert self._flowing.wait(30)
            self._pause(self._random.uniform(0, LONGEST_SECONDS))
            self._up = False
            self.house.kill()
            self.count.kills += 1
        for wish in self.wishes:
            if wish.instance_id is None and self._random.random() < 0.05:
                wish.given_up = True

    def strain(self, rounds: int) -> None:
        """Requests at a server that lives, and that something else makes trouble for."""
        for left in reversed(range(rounds)):
            with self._clients(self._next_wishes(left)):
                pass

    def _next_wishes(self, left: int) -> list[Wish]:
        """New ones, those that are still open, and some that were answered already."""
        # Towards the end none that waits for its retry: the calm after the storm would be waiting for that alone.
        names = [name for name in self.kinds if name != "flaky" or left >= RETRIES_UNTIL]
        new = [
            Wish(f"{self._seed}-{len(self.wishes) + number}", self._random.choice(names))
            for number in range(self._random.randint(2, 10))
        ]
        self.wishes += new
        open_ones = [wish for wish in self.wishes if self._is_open(wish) and not wish.given_up]
        known = [wish for wish in self.wishes if wish.instance_id is not None]
        again = self._random.sample(known, min(2, len(known)))
        waves = open_ones + again
        self._random.shuffle(waves)
        return waves

    def _is_open(self, wish: Wish) -> bool:
        return wish.instance_id is None or (self.kinds[wish.job].stopped and not wish.stop_acknowledged)

    @staticmethod
    def _pause(seconds: float) -> None:
        """The random moment of a kill. Nothing waits for anything here."""
        time.sleep(seconds)

    @contextlib.contextmanager
    def _clients(self, wishes: list[Wish]) -> Any:
        """Clients that send these; left once all of them have gone home."""
        self._flowing.clear()
        self._up = True
        for wish in wishes:
            self._queue.put(wish)
        threads = [threading.Thread(target=self._client, daemon=True) for _ in range(CLIENTS)]
        for thread in threads:
            thread.start()
        yield
        for thread in threads:
            thread.join(120)
            assert not thread.is_alive()
        with contextlib.suppress(Empty):
            while True:
                self._queue.get_nowait()

    def _client(self) -> None:
        client = self.house.client()
        try:
            while self._up:
                try:
                    wish = self._queue.get_nowait()
                except Empty:
                    return
                assert wish is not None
                self._flowing.set()
                self._run(client, wish)
                if wish.instance_id is not None and self._is_open(wish):
                    self._stop(client, wish)
        finally:
            client.close()

    def _post(self, client: Client, wish: Wish, path: str, body: Any = None) -> Reply | None:
        """The answer, if there is one, and it is none that asks to come back later."""
        with self._lock:
            self.count.sent += 1
        try:
            reply = client.call("POST", f"jobs/{wish.job}/{path}", body, **{"Idempotency-Key": wish.key})
        except (OSError, http.client.HTTPException):
            client.close()  # it connects anew if it is used again
            reply = None
        with self._lock:
            if reply is None or (reply.status == 503 and self.unavailable_is_an_answer):
                self.count.unanswered += 1
                return None
            if reply.status not in (200, 204):
                self.count.wrong.append(f"{wish}: {reply}")
                return None
        return reply

    def _stop(self, client: Client, wish: Wish) -> None:
        if self._post(client, wish, f"instances/{wish.instance_id}/stop"):
            wish.stop_acknowledged = True
            with self._lock:
                self.count.stops += 1

    def _run(self, client: Client, wish: Wish) -> None:
        body = {"jobParams": [{"name": "key", "value": wish.key}]}
        reply = self._post(client, wish, "run-immediate", body)
        if reply is None:
            return
        with self._lock:
            instance_id = reply.json["instanceId"]
            if wish.instance_id is None:
                wish.instance_id = instance_id
                self.count.acknowledged += 1
            else:
                self.count.repeated += 1
                if wish.instance_id != instance_id:
                    self.count.wrong.append(f"{wish} was answered {instance_id}")

    # -- the calm after it
    def settle(self) -> None:
        """Every wish is asked for, and every instance ends, without anybody's help."""
        if self.house.process is None:
            self.house.start()
        with self._clients([wish for wish in self.wishes if self._is_open(wish)]):
            pass
        assert not self.count.wrong, self.count.wrong[:5]
        assert not [wish for wish in self.wishes if self._is_open(wish)]
        client = self.house.client()
        names = ("waiting", "running", "running-exception")
        seconds = 60 + len(self.wishes) / 4
        try:
            until(lambda: not any(client.listed(status=name)[0] for name in names), "all have ended", seconds)
        except AssertionError as error:
            left = [item for name in names for item in client.listed(status=name)[1]]
            told = [client.show(item["jobName"], item["instanceId"]) for item in left[:3]]
            error.add_note(f"{len(left)} have not; three of them: {json.dumps(told, indent=1)}")
            raise
        client.close()

    def judge(self) -> None:
        """What the API says, then, with the server gone, what the trace and the store say."""
        client = self.house.client()
        total, items = client.listed(instanceType="2")
        by_id = {item["instanceId"]: item for item in items}
        assert total == len(items) == len(by_id) == len(self.wishes) + 1
        assert {wish.instance_id for wish in self.wishes} <= set(by_id)
        wrong = {
            wish.key: by_id[wish.instance_id]["status"]
            for wish in self.wishes
            if by_id[wish.instance_id]["status"] != self.kinds[wish.job].status
        }
        assert not wrong, self._about(client, wrong)
        for status in ("success", "fail", "manual-stop"):
            listed = client.listed(status=status, instanceType="2")[0]
            assert listed == sum(item["status"] == status for item in items)
        rows = self._rows(client)
        client.close()
        assert self.house.stop() == 0, self.house.log

        assert rows == sorted(wish.key for wish in self.wishes if wish.job == "sql")
        trace = Counter((self.house.folder / "trace").read_text().splitlines())
        expected = Counter(
            f"{wish.key} {wish.instance_id} {name} {attempt} {given}"
            for wish in self.wishes
            for name, attempt, given in self.kinds[wish.job].lines
        )
        expected.update(
            f"{wish.key} - {name} {attempt} {given}"
            for wish in self.wishes
            for name, attempt, given in self.kinds[wish.job].family
        )
        too_much = trace - expected
        assert not too_much, f"too much was done: {list(too_much.items())[:5]}"
        stopped = {wish.key for wish in self.wishes if self.kinds[wish.job].stopped}
        too_little = [line for line in expected - trace if line.split()[0] not in stopped]
        assert not too_little, f"too little was done: {too_little[:5]}"

    def _about(self, client: Client, wrong: dict[str, str]) -> str:
        """The first few of them in full."""
        told = [client.show(wish.job, wish.instance_id or 0) for wish in self.wishes if wish.key in wrong]
        return json.dumps(told[:3], indent=1)

    def _rows(self, client: Client) -> list[str]:
        """What the SQL nodes have left."""
        client.save_job("copy", node("c", "DLISQL", statement="COPY trace TO 'trace.csv' (HEADER false)"))
        assert client.ended("copy", client.run("copy"))["status"] == "success"
        [file] = (self.house.data / "workspaces").glob("*/files/trace.csv")
        return sorted(file.read_text().split())

    async def judge_store(self, where: str | Path) -> None:
        """Each history replays to what is stored, and no attempt was lost."""
        store = open_store(where)
        await store.open()
        try:
            plans = Plans(store)
            for wish in self.wishes:
                assert wish.instance_id is not None
                stored = await store.load_instance(wish.instance_id)
                assert stored is not None
                kind = self.kinds[wish.job]
                if not kind.stopped:
                    assert {run.name: run.status.value for run in stored.nodes} == kind.ended, stored
                assert await replayed(store, plans, stored) == stored
                await self._judge_children(store, plans, stored)
                attempts = await store.list_attempts(stored.id)
                assert len(attempts) == sum(run.attempt for run in stored.nodes)
                for attempt in attempts:
                    outcome = attempt.outcome
                    assert outcome is not None, attempt
                    assert not (isinstance(outcome, Failed) and outcome.kind is FailureKind.LOST), attempt
        finally:
            await store.close()

    async def _judge_children(self, store: Store, plans: Plans, parent: Instance) -> None:
        """All have ended, none is there twice, and each history gives what is stored."""
        rows: set[tuple[int, int, int]] = set()
        for listed in (await store.children_of(parent.id)).items:
            child = await store.load_instance(listed.id)
            assert child is not None
            assert child.parent is not None
            assert child.ended, child
            link = (child.parent.node, child.parent.attempt, child.parent.row)
            assert link not in rows, child
            rows.add(link)
            assert await replayed(store, plans, child) == child
            await self._judge_children(store, plans, child)


async def replayed(store: Store, plans: Plans, stored: Instance) -> Instance:
    """The state that the history gives, at the version of the stored one."""
    history = await store.read_events(stored.id)
    state = history[0][1].instance  # type: ignore[union-attr]  # the first event is always the request
    plan = await plans.of(stored)
    for number, (sequence, event) in enumerate(history, start=1):
        assert sequence == number
        state, _ = step(plan, state, event)
    return msgspec.structs.replace(state, version=stored.version)
