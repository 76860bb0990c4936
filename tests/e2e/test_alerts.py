"""The server is killed while it tells a webhook: each failure is told, and a repetition is known as one."""

from __future__ import annotations

import json
import random
import sys
import threading
import time
from collections import defaultdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.house import house, node, until

KILLS = 8
COMMAND = (
    sys.executable,
    "-c",
    "import arkwright.notify.delivery as d; d.LEASE_MS = 1000; from arkwright.cli import main; main()",
)


class Receiver(ThreadingHTTPServer):
    """Takes its time, and keeps what came."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.got: list[tuple[str, Any]] = []
        self.lock = threading.Lock()


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with self.server.lock:
            self.server.got.append((self.headers["webhook-id"], json.loads(body)["data"]["notices"]))
        time.sleep(random.random() / 10)  # a window in which the sender may die
        try:
            self.send_response(204)
            self.end_headers()
        except OSError:
            pass  # it did

    def log_message(self, *_: Any) -> None:
        pass


@pytest.mark.long
@pytest.mark.timeout(300)
def test_each_failure_is_told_through_kill_9_and_a_repetition_has_the_number_of_the_first(tmp_path: Path) -> None:
    with Receiver() as receiver:
        threading.Thread(target=receiver.serve_forever, daemon=True).start()
        with house(tmp_path, command=COMMAND, ARKWRIGHT_ALLOW_LOOPBACK_REQUESTS="true") as home:
            client = home.client()
            client.save_job("bad", node("only", statement="exit 1"))
            url = f"http://127.0.0.1:{receiver.server_port}/"
            client.good("POST", "alert-topics", {"name": "ops", "kind": "webhook", "url": url})
            client.good("POST", "alert-rules", {"remind_type": 1, "topic_name": "ops"})
            started: list[int] = []
            for _ in range(KILLS):
                started += [client.run("bad") for _ in range(3)]
                client.close()
                time.sleep(random.random() / 2)  # at any moment
                home.kill()
                home.start()
                client = home.client()
            for each in started:
                assert client.ended("bad", each)["status"] == "fail"

            def settled() -> Any:
                alerts = client.good("GET", "alerts?limit=1000")
                return alerts["total"] == len(started) and all(each["state"] == "sent" for each in alerts["alerts"])

            until(settled, "every notice is sent", 120)
            client.close()
        receiver.shutdown()
    messages = defaultdict(set)
    for number, notices in receiver.got:
        messages[number].add(tuple(each["id"] for each in notices))
    assert all(len(said) == 1 for said in messages.values())  # one number, one text
    told = [id_ for said in messages.values() for ids in said for id_ in ids]
    assert len(told) == len(set(told)) == len(started)  # and each notice in one number alone
    instances = {each["instanceId"] for _, notices in receiver.got for each in notices}
    assert instances == set(started)
