"""Node types in a whole server: objects are moved and people told once, although the server is killed all the time."""

from __future__ import annotations

import json
import random
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.house import house, until

KILLS = 5
COMMAND = (
    sys.executable,
    "-c",
    "import arkwright.notify.delivery as d; d.LEASE_MS = 1000; from arkwright.cli import main; main()",
)


class Receiver(ThreadingHTTPServer):
    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.got: list[tuple[str, Any]] = []


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append((self.headers["webhook-id"], json.loads(body)))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


def node(name: str, type_: str, *after: str, **properties: str) -> dict[str, Any]:
    given = [{"name": key, "value": value} for key, value in properties.items()]
    return {
        "name": name,
        "type": type_,
        "location": {"x": 0, "y": 0},
        "preNodeName": list(after),
        "properties": given,
    }


@pytest.mark.long
@pytest.mark.timeout(200)
def test_a_job_moves_objects_and_tells_so_once_through_kill_9(tmp_path: Path) -> None:
    with Receiver() as receiver:
        threading.Thread(target=receiver.serve_forever, daemon=True).start()
        with house(tmp_path, command=COMMAND, ARKWRIGHT_ALLOW_LOOPBACK_REQUESTS="true") as home:
            client = home.client()
            url = f"http://127.0.0.1:{receiver.server_port}/"
            client.good("POST", "alert-topics", {"name": "ops", "kind": "webhook", "url": url})
            started: list[int] = []
            for number in range(KILLS):
                inbox = home.data / "obs" / "landing" / "in" / str(number)
                inbox.mkdir(parents=True)
                for each in range(20):
                    (inbox / f"{each}.csv").write_text(f"{number} {each}")
                name = f"move{number}"
                source, target = f"obs://landing/in/{number}/", f"obs://landing/done/{number}/"
                client.save_job(
                    name,
                    node("move", "OBSManager", action="MOVE_PATH", path=source, targetPath=target),
                    node("tell", "SMN", "move", topic="ops", subject=name, message=f"{name} is done."),
                )
                started.append(client.run(name))
                client.close()
                time.sleep(random.random() / 2)  # at any moment
                home.kill()
                home.start()
                client = home.client()
            for number, each in enumerate(started):
                assert client.ended(f"move{number}", each)["status"] == "success"
            until(
                lambda: {each["state"] for each in client.good("GET", "alerts")["alerts"]} == {"sent"},
                "every message is sent",
                120,
            )
            client.close()
            for number in range(KILLS):
                moved = sorted((home.data / "obs" / "landing" / "done" / str(number)).iterdir())
                assert [path.read_text() for path in moved] == sorted(
                    (f"{number} {each}" for each in range(20)), key=lambda text: f"{text.split()[1]}.csv"
                )
            assert not (home.data / "obs" / "landing" / "in").exists()
        receiver.shutdown()
    told = [(each["id"], each["subject"]) for _, body in receiver.got for each in body["data"]["notices"]]
    assert sorted(subject for _, subject in set(told)) == [f"move{number}" for number in range(KILLS)]
