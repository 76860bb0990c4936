"""Nodes that eat the machine: a fork bomb, a program and a statement that take all memory. The server answers all the
while, each of them fails and says why, and what runs beside them is not touched."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from tests.e2e.house import house, node, until

BOMB = "bomb() { sleep 0.3; bomb & bomb & wait; }; bomb"
"""It doubles each 0.3 s: a faster one would take the whole machine's processes from whoever works beside this test."""
HOG = 'import time\nkept = []\nwhile True:\n    kept.append(b"x" * 20_000_000)\n    time.sleep(0.05)'
GREEDY = "SELECT length(string_agg(range || 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx', ',')) FROM range(300000000)"


@pytest.mark.long
@pytest.mark.timeout(240)
def test_the_server_answers_while_nodes_eat_the_machine(tmp_path: Path) -> None:
    with house(
        tmp_path,
        ARKWRIGHT_PROGRAM_PROCESSES="150",
        ARKWRIGHT_PROGRAM_MEMORY_BYTES="300000000",
        ARKWRIGHT_HOST_MEMORY_BYTES="1500000000",
    ) as home:
        client = home.client()
        client.save_job("bomb", node("only", statement=BOMB))
        client.save_job("hog", node("only", "Python", statement=HOG))
        client.save_job("greedy", node("only", "DLISQL", statement=GREEDY))
        client.save_job("quiet", node("only", statement="sleep 3; echo fine"))
        runs = {name: client.run(name) for name in ("quiet", "bomb", "hog", "greedy")}
        worst = 0.0

        def over() -> bool:
            nonlocal worst
            begun = time.monotonic()
            assert home.get("/healthz").status == 200
            worst = max(worst, time.monotonic() - begun)
            return all(client.show(name, run)["status"] in ("success", "fail") for name, run in runs.items())

        until(over, "all of them have ended", 90)
        assert worst < 2.0
        messages = {name: client.show(name, run)["nodes"][0].get("message", "") for name, run in runs.items()}
        assert client.show("quiet", runs["quiet"])["status"] == "success"
        assert "over its 150 processes" in str(client.show("bomb", runs["bomb"])), messages
        assert "memory" in str(client.show("hog", runs["hog"])), messages
        assert client.show("greedy", runs["greedy"])["status"] == "fail"
        client.save_job("after", node("only", "DLISQL", statement="SELECT 5"))
        assert client.ended("after", client.run("after"))["status"] == "success"
        client.close()
