from __future__ import annotations

import pytest

from arkwright.cli.documents import same
from arkwright.cli.output import Output, ago, took
from arkwright.cli.progress import LiveView, QuietView
from arkwright.client import InstanceRecord


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(0.2, "now"), (5, "5 s ago"), (59.4, "59 s ago"), (60, "1 min ago"), (3599, "59 min ago"), (7200, "2 h ago")],
)
def test_a_past_time_is_told_as_people_say_it(seconds: float, told: str) -> None:
    assert ago(1_000_000_000_000, now_ms=1_000_000_000_000 + int(seconds * 1000)) == told


@pytest.mark.parametrize(
    ("ms", "told"), [(0, "0.0 s"), (420, "0.4 s"), (12_000, "12 s"), (185_000, "3 min 5 s"), (7_800_000, "2 h 10 min")]
)
def test_a_duration_is_told_as_people_say_it(ms: int, told: str) -> None:
    assert took(1, 1 + ms) == told


def test_saving_what_is_stored_already_would_change_nothing() -> None:
    stored = {"id": 1, "name": "a", "nodes": [{"name": "n", "location": {"x": "1", "y": "2.5"}, "retryTimes": 0}]}
    assert same({"name": "a", "nodes": [{"name": "n", "location": {"x": 1, "y": 2.5}}]}, stored)
    assert same({"name": "a", "targetStatus": "SUBMITTED"}, stored), "it says how to save, not what"
    assert not same({"name": "b"}, stored)
    assert not same({"name": "a", "nodes": []}, stored)
    assert not same({"name": "a", "description": ""}, stored)
    assert not same({"flag": True}, {"flag": "True"})


def test_a_terminal_shows_nodes_live_and_logs_above_them() -> None:
    from io import StringIO

    from rich.console import Console

    output = Output()
    screen = StringIO()
    output.people = Console(file=screen, force_terminal=True, width=100, color_system=None, highlight=False)
    view = LiveView(output)
    running: InstanceRecord = {
        "instanceId": 7,
        "jobName": "[j]",
        "status": "running",
        "startTime": 1,
        "nodes": [{"nodeName": "a[b]", "status": "running", "type": "Shell", "startTime": 1, "attempt": 1}],
    }
    view.show(running)
    view.log("a[b]", "one [red]\ntw")
    ended: InstanceRecord = {
        **running,
        "status": "fail",
        "endTime": 1500,
        "errorMessage": "Node 'a[b]' failed",
        "nodes": [{**running["nodes"][0], "status": "fail", "endTime": 1500, "errorMessage": "Exit code 3."}],
    }
    view.end(ended)
    view.close()
    text = screen.getvalue()
    assert "0/1" in text, "how far it is"
    assert "a[b] │ one [red]\n" in text, "logs come as they are; brackets are no markup"
    assert "a[b] │ tw\n" in text
    assert "✗ fail  [j] 7  1 node in 1.5 s" in text
    assert "a[b]: Exit code 3." in text


def test_why_a_node_failed_is_said_once(capfd: pytest.CaptureFixture[str]) -> None:
    failed: InstanceRecord = {
        "instanceId": 7,
        "jobName": "j",
        "status": "fail",
        "errorMessage": "Node 'a' failed: Exit code 3.",
        "nodes": [
            {"nodeName": "a", "status": "fail", "errorMessage": "Exit code 3."},
            {"nodeName": "b", "status": "fail", "errorMessage": "Exit code 4."},
        ],
    }
    QuietView(Output()).end(failed)
    assert capfd.readouterr().out.splitlines()[1:] == ["Node 'a' failed: Exit code 3.", "b: Exit code 4."]
