"""A large backlog: a server that only accepted left it, the next one works it off behind its open port."""

from __future__ import annotations

import os
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.e2e.house import House, house, node, until

from arkwright.executors.folder import AttemptFolder, Barred, NotStarted

BACKLOG = 300
QUEUE = 120


def _accept(home: House, count: int) -> list[int]:
    client = home.client()
    try:
        return [client.run("j", key=str(count + number)) for number in range(count)]
    finally:
        client.close()


@pytest.mark.long
def test_a_backlog_is_worked_off_behind_the_open_port(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    with house(tmp_path, "--roles", "api") as home:
        client = home.client()
        client.save_job("j", node("a", statement=f'echo "$ARKWRIGHT_INSTANCE_ID" >> {trace}'), node("d", "Dummy", "a"))
        with ThreadPoolExecutor(4) as pool:
            accepted = [each for part in pool.map(lambda _: _accept(home, BACKLOG // 4), range(4)) for each in part]
        # Each client used the same keys: one instance per key.
        assert len(set(accepted)) == BACKLOG // 4
        more = [client.run("j") for _ in range(BACKLOG - BACKLOG // 4)]
        accepted = sorted({*accepted, *more})
        assert len(accepted) == BACKLOG
        assert client.listed(status="waiting")[0] == BACKLOG
        client.close()
        assert home.stop() == 0
        assert not trace.exists()

        home.options = ()
        home.start()
        first = home.get("/readyz")
        client = home.client()
        late = client.run("j")  # new runs are accepted beside it
        assert home.get("/healthz").status == 200
        if first.status != 200:
            assert first.status == 503
            assert first.json["reasons"]
        until(lambda: home.get("/readyz").status == 200, "it is ready")
        until(lambda: client.listed(status="success")[0] == BACKLOG + 1, "all have ended")
        client.close()
        assert home.stop() == 0
    done = Counter(int(line) for line in trace.read_text().split())
    assert done == Counter([*accepted, late])


def test_what_is_stopped_while_it_is_being_taken_up_ends(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    with house(tmp_path, "--max-programs", "1") as home:
        client = home.client()
        client.save_job("j", node("a", statement=f'echo "$ARKWRIGHT_INSTANCE_ID" >> {trace}; sleep 1000'))
        instances = [client.run("j") for _ in range(QUEUE)]
        until(trace.exists, "the first one runs; the others wait for it")
        client.close()
        home.kill()
        home.start()
        client = home.client()
        for each in reversed(instances):  # the last ones are taken up last
            client.good("POST", f"jobs/j/instances/{each}/stop")
        until(lambda: client.listed(status="manual-stop")[0] == QUEUE, "all have ended", 20)
        client.close()
        assert home.stop() == 0
    assert len(trace.read_text().split()) <= 2, "what was stopped in the queue never ran"


def test_a_server_killed_while_it_bars_a_program_leaves_no_half_claim(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen once in some hundred kills: an empty claim, and a program that never ran counted as lost."""
    attempt = AttemptFolder(tmp_path / "attempt")
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", _killed)
        with pytest.raises(_Killed):
            attempt.bar()
    assert attempt.read() == NotStarted()
    assert attempt.bar()
    assert attempt.read() == Barred()
    assert not attempt.bar()
    assert [each.name for each in (tmp_path / "attempt").iterdir()] == ["child"]


class _Killed(Exception):
    pass


def _killed(*_: object) -> int:
    raise _Killed
