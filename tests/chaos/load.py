"""Clients that want runs, each under its key, from whichever API server answers; they ask again until one does."""

from __future__ import annotations

import contextlib
import http.client
import random
import threading
import time
from dataclasses import dataclass, field
from typing import Any

import psycopg
from tests.chaos.machines import Cluster
from tests.e2e.house import Client, Reply

CLIENTS = 3
ANSWER_SECONDS = 4.0
"""How long a client waits for an answer before it asks another server."""
MOST_UNENDED = 80
"""Instances that haven't ended, beyond which nothing new is wanted."""
LATER = frozenset({429, 500, 502, 503, 504})
"""Answers that promise nothing."""


@dataclass
class Wish:
    """One run that a client wants."""

    key: str
    job: str
    instance_id: int | None = None
    stop: bool = False
    """Its client stops it once it is accepted."""
    stop_acknowledged: bool = False

    @property
    def open(self) -> bool:
        return self.instance_id is None or (self.stop and not self.stop_acknowledged)


@dataclass
class Figures:
    sent: int = 0
    unanswered: int = 0
    """Or answered with a promise of nothing."""
    errors: int = 0
    """Of those: 500, which no fault explains."""
    seconds: list[float] = field(default_factory=list)
    """From the first request for a run to its acceptance."""
    wrong: list[str] = field(default_factory=list)


class Load:
    """`pace`: runs wanted a second, by all clients together."""

    def __init__(self, cluster: Cluster, jobs: list[str], seed: int, pace: float) -> None:
        self.wishes: list[Wish] = []
        self.scripts: dict[str, str] = {}
        """Scripts whose saving was acknowledged, and their text."""
        self.figures = Figures()
        self._cluster = cluster
        self._jobs = jobs
        self._seed = seed
        self._pause_seconds = CLIENTS / pace
        self._ended = threading.Event()
        self._crowded = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._live, args=[n], daemon=True) for n in range(CLIENTS)]
        self._threads.append(threading.Thread(target=self._watch, daemon=True))

    def start(self) -> None:
        for machine in self._cluster.apis:
            self._cluster.client(machine).close()  # it logs in, while all is well
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        """No more wishes; those that are open stay so."""
        self._ended.set()
        for thread in self._threads:
            thread.join(60)
            assert not thread.is_alive()

    def fulfil(self) -> None:
        """Ask for what is still open, with all servers there."""
        rand = random.Random(self._seed)
        deadline = time.monotonic() + 120
        while left := [wish for wish in self.wishes if wish.open]:
            assert time.monotonic() < deadline, f"{len(left)} wishes are not answered: {left[:3]}"
            for wish in left:
                self._ask(rand, wish)

    def _watch(self) -> None:
        """Wants no more than a slow machine can do."""
        while not self._ended.wait(0.5):
            with contextlib.suppress(psycopg.Error):
                self._crowded.set() if self._cluster.database.unended() > MOST_UNENDED else self._crowded.clear()

    # -- a client
    def _live(self, number: int) -> None:
        try:
            self._want(number)
        except Exception as error:  # a chaos without clients would find nothing
            self.figures.wrong.append(f"client {number} died: {error!r}")

    def _want(self, number: int) -> None:
        rand = random.Random(f"{self._seed} {number}")
        waiting: list[Wish] = []
        made = 0
        while not self._ended.is_set():
            if self._crowded.is_set():
                self._ended.wait(self._pause_seconds)
                continue
            job = rand.choice(self._jobs)
            wish = Wish(key=f"{self._seed}-{number}-{made}", job=job, stop=job == "stopped")
            made += 1
            with self._lock:
                self.wishes.append(wish)
            waiting.append(wish)
            for each in waiting[-4:]:
                self._ask(rand, each)
                if self._ended.is_set():
                    return
            if made % 10 == 0:
                self._save_script(rand, f"note_{number}_{made}")
            waiting = [each for each in waiting if each.open]
            self._ended.wait(rand.expovariate(1 / self._pause_seconds))  # the pace; nothing waits for anything here

    def _ask(self, rand: random.Random, wish: Wish) -> None:
        if wish.instance_id is None:
            body = {"jobParams": [{"name": "key", "value": wish.key}]}
            begun = time.monotonic()
            reply = self._post(rand, f"jobs/{wish.job}/run-immediate", body, wish.key)
            if reply is None:
                return
            wish.instance_id = int(reply.json["instanceId"])
            with self._lock:
                self.figures.seconds.append(time.monotonic() - begun)
        if wish.open:
            path = f"jobs/{wish.job}/instances/{wish.instance_id}/stop"
            wish.stop_acknowledged = self._post(rand, path, None, f"stop-{wish.key}") is not None

    def _save_script(self, rand: random.Random, name: str) -> None:
        text = f"SELECT '{name}'"
        body = {"name": name, "type": "DLISQL", "content": text, "connectionName": ""}
        if self._post(rand, "scripts", body, f"{self._seed}-{name}"):
            with self._lock:
                self.scripts[name] = text

    def _post(self, rand: random.Random, path: str, body: Any, key: str) -> Reply | None:
        """The answer, where it is one."""
        with self._lock:
            self.figures.sent += 1
        reply: Reply | None = None
        client = self._client(rand)
        try:
            reply = client.call("POST", path, body, **{"Idempotency-Key": key})
        except (OSError, http.client.HTTPException):
            pass  # unanswered
        finally:
            client.close()
        if reply is not None and reply.status in (200, 204):
            return reply
        with self._lock:
            self.figures.unanswered += 1
            if reply is not None and reply.status == 500:
                self.figures.errors += 1
            if reply is not None and reply.status not in LATER:
                self.figures.wrong.append(f"{path} {key}: {reply}")
        return None

    def _client(self, rand: random.Random) -> Client:
        return self._cluster.client(rand.choice(self._cluster.apis), seconds=ANSWER_SECONDS)


def quantile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))] if values else 0.0
