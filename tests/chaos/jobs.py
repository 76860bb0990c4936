"""The jobs of the chaos. What their nodes do is seen from outside: a line in a ledger, a call of a counter."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.e2e.house import Client, node

ROWS = 3
SLOTS = 2
EVERY_SECONDS = 2
"""Period of the scheduled jobs."""

SPARE = {"retryTimes": 3, "retryInterval": 5}
"""Of nodes whose attempts may be lost and tried again."""


def leaves(ledger: Path) -> str:
    """One write of one line to a file opened for appending: whole, wherever it comes from. No process is started."""
    return (
        "read -r where </proc/sys/kernel/hostname; "
        'printf "%s %s %s %s\\n" "$ARKWRIGHT_INSTANCE_ID" "$ARKWRIGHT_NODE" "$ARKWRIGHT_ATTEMPT" "$where" '
        f">>{ledger}"
    )


class Calls:
    """An HTTP server that counts what it is asked, by the body of the request."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self._lock = threading.Lock()
        self.port = 0

    def count(self, what: str) -> None:
        with self._lock:
            self.counts[what] += 1


@contextmanager
def counting(address: str) -> Iterator[Calls]:
    calls = Calls()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            calls.count(body.decode())
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer((address, 0), Handler)
    calls.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield calls
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


def runnable(ledger: Path, counter: str) -> dict[str, dict[str, Any]]:
    """Jobs that clients run, by name: what is to be saved of each. `counter` is the address of the counter."""
    leave = leaves(ledger)
    fan = [f"f{number}" for number in range(3)]
    rows = {"dataset": str([[row] for row in range(ROWS)]), "concurrency": "2", "params": "key=${key}"}
    return {
        "chain": {
            "nodes": [
                node("a", statement=leave, **SPARE),
                node("d", "Dummy", "a"),
                node("b", "Shell", "d", statement=leave, **SPARE),
            ]
        },
        "fan": {
            "nodes": [
                node("a", statement=leave, **SPARE),
                *(node(name, "Shell", "a", statement=leave, **SPARE) for name in fan),
                node("join", "Dummy", *fan),
                node("b", "Shell", "join", statement=leave),
            ]
        },
        "retried": {
            "nodes": [
                node("a", statement=f'{leave}; test "$ARKWRIGHT_ATTEMPT" -ge 2', **SPARE),
                node("b", "Shell", "a", statement=leave, **SPARE),
            ]
        },
        "broken": {
            "nodes": [
                node("a", statement=f"{leave}; exit 3", failPolicy="FAIL"),
                node("b", "Shell", "a", statement=leave),
            ]
        },
        # Its attempts are long enough to meet a fault; those that have no attempt to spare fail then.
        "long": {
            "nodes": [
                node("a", statement=f"{leave}; sleep 2", **SPARE),
                node("b", "Shell", "a", statement=f"{leave}; sleep 1"),
            ]
        },
        "stopped": {
            "nodes": [
                node("a", statement=f"{leave}; exec sleep 20"),
                node("b", "Shell", "a", statement=leave),
            ]
        },
        "loop": {"nodes": [node("e", "ForEach", jobName="row", **rows), node("b", "Shell", "e", statement=leave)]},
        "call": {"nodes": [node("s", "Subjob", jobName="row", params="key=${key}"), node("d", "Dummy", "s")]},
        "rest": {
            "nodes": [
                node("r", "RESTAPI", url=counter, method="POST", body="${key}", **SPARE),
                node("b", "Shell", "r", statement=leave, **SPARE),
            ]
        },
        "narrow": {"nodes": [node("a", statement=f"{leave}; sleep 0.2", **SPARE)], "taskGroup": "narrow"},
    }


def scheduled(ledger: Path) -> dict[str, dict[str, Any]]:
    """Jobs that run by the clock; the second waits for the first, and for itself."""
    cron = {
        "startTime": "2020-01-01T00:00:00Z",
        "expression": f"0/{EVERY_SECONDS} * * * * ?",
        "expressionTimeZone": "UTC",
        "intervalType": "minutes",
    }
    nodes = [node("a", statement=leaves(ledger), **SPARE)]
    return {
        "tick": {"nodes": nodes, "schedule": {"type": "CRON", "cron": cron}},
        "tock": {"nodes": nodes, "schedule": {"type": "CRON", "cron": {**cron, "dependPrePeriod": True}}},
    }


def save(client: Client, ledger: Path, counter: str) -> list[str]:
    """All of them; the names of those that clients run."""
    client.good("PUT", "task-groups/narrow", {"limit": SLOTS})
    client.save_job("row", node("r", statement=leaves(ledger), **SPARE))
    jobs = runnable(ledger, counter)
    for number, (name, document) in enumerate((jobs | scheduled(ledger)).items()):
        nodes = document.pop("nodes")
        # Every other one runs on the machine of its engine, the others on workers, where there are any.
        client.save_job(name, *nodes, **document, workerGroup="local" if number % 2 else "")
    return list(jobs)
