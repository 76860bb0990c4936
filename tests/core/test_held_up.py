"""Why an instance that has begun does not go on, where that is its own affair."""

from __future__ import annotations

from tests.core.building import Run, plan
from tests.core.test_operations import Operated

from arkwright.core.gate_rules import when
from arkwright.core.held_up import held_up
from arkwright.core.job import FailPolicy

RETRIED = {"retry_times": 2, "retry_interval_seconds": 30}


def told(run: Run) -> dict[str, tuple[str, str]]:
    return {each.key: (each.text, each.release) for each in held_up(run.state)}


def test_what_runs_and_what_has_ended_is_not_held_up() -> None:
    run = Run(plan("a > b"))
    assert told(run) == {}
    assert told(run.succeeds("a", "b")) == {}
    assert told(Run(plan("a", a=FailPolicy.FAIL)).fails("a")) == {}


def test_a_retry_tells_its_time_and_what_failed_until_it_begins() -> None:
    run = Run(plan("a > b", a=RETRIED)).fails("a", message="connection refused")
    at = when(run.now_ms + 30_000)
    text, release = told(run)["retry:a"]
    assert text == f"Node a failed and is run again at {at}: connection refused (retry 1 of 2 follows)"
    assert release == f"Time: at {at}."
    assert told(run.retry_is_due("a")) == {}


def test_a_failure_that_suspends_is_told_until_somebody_decides() -> None:
    run = Operated(plan("a > b", a=FailPolicy.SUSPEND))
    run.fails("a", message="exit code 9")
    text, release = told(run)["suspended"]
    assert "Node 'a' failed and its failPolicy is SUSPEND: exit code 9" in text
    assert "set it to success" in release
    assert told(run.does("continue")) == {}


def test_a_pause_is_told_of_the_instance_and_of_its_nodes() -> None:
    run = Operated(plan("a > b > c"))
    assert list(told(run.does("pause"))) == ["paused"]
    run.does("resume").does("pause", "c")
    assert list(told(run)) == ["paused:c"]
    assert told(run.does("resume", "c")) == {}


def test_what_is_being_stopped_waits_for_nobody() -> None:
    run = Operated(plan("a > b", b=RETRIED))
    run.does("pause", "b").is_stopped()
    assert told(run) == {}
