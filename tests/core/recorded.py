"""Recorded histories: what instances went through, and where that led. Replayed on today's code by the tests.

`python -m tests.core.recorded` records the cases below that have no file yet in `tests/core/histories/`; a file that is
there is never written again: it stands for instances stored by an earlier version. To record a new one add a case.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import cast

import msgspec
from tests.core.building import Run, plan

from arkwright.core.events import Event, RestartFrom, RestartRequested
from arkwright.core.instance import Instance
from arkwright.core.job import FailPolicy, Plan
from arkwright.core.outcome import FailureKind
from arkwright.core.step import step
from arkwright.core.transitions import NODE_OPERATIONS, OPERATIONS

FOLDER = Path(__file__).parent / "histories"


class History(msgspec.Struct, kw_only=True):
    """`plans` by job version. `states` has the instance's state after each event, in words."""

    title: str
    plans: Mapping[int, Plan]
    events: tuple[Event, ...]
    states: tuple[str, ...]
    final: Instance


def in_words(state: Instance) -> str:
    nodes = " ".join(f"{run.name}={run.status.value}/{run.attempt}" for run in state.nodes)
    return f"{state.status.value}: {nodes}"


def replay(history: History) -> tuple[list[str], Instance]:
    first = history.events[0]
    state = first.instance  # type: ignore[union-attr]
    plan, states = history.plans[state.job_version], []
    for event in history.events:
        wanted = history.plans[event.job_version] if isinstance(event, RestartRequested) else plan
        new, _ = step(wanted, state, event)
        if new is not state:
            state, plan = new, wanted
        states.append(in_words(state))
    return states, state


# ---------------------------------------------------------------- the cases


def all_goes_well() -> Run:
    run = Run(plan("load > check > report, load > aggregate > report", parameters={"day": "#{1+1}"}))
    return run.succeeds("load", "aggregate", output="o", output_row_count=7).succeeds("check", "report")


def retried_after_an_error_and_a_loss() -> Run:
    run = Run(plan("a > b", a={"retry_times": 3, "retry_interval_seconds": 10})).fails("a", exit_code=2)
    run.retry_is_due("a").fails("a", FailureKind.LOST, "The server was away.").retry_is_due("a")
    return run.succeeds("a", "b")


def failed_stopped_siblings_and_ran_again_from_the_error() -> Run:
    run = Run(plan("a > x > z, a > y > z")).succeeds("a").fails("x", exit_code=1).is_cancelled("y")
    return run.is_restarted(RestartFrom.ERROR_NODE).succeeds("y", "x", "z")


def suspended_and_stopped() -> Run:
    run = Run(plan("a > b, c > d", a=FailPolicy.SUSPEND)).fails("a").succeeds("c")
    return run.is_stopped().is_cancelled("d")


def branched_on_an_ignored_failure() -> Run:
    bad = {"conditions": {"a": '#{Job.getNodeStatus("a") == "fail"}'}}
    good = {"conditions": {"a": '#{Job.getNodeStatus("a") == "success"}'}}
    run = Run(plan("a > bad > j, a > good > j", a=FailPolicy.IGNORE, bad=bad, good=good))
    return run.fails("a").succeeds("bad", "j")


def looked_up_an_output_and_the_clock() -> Run:
    node = {
        "conditions": {"a": "#{Job.getNodeOutput('a') != null}"},
        "properties": {"url": "#{DateUtil.format(DateUtil.now(), 'yyyy')}"},
    }
    run = Run(plan("a > b", b=node)).succeeds("a", output="4711/a/1/output").finds("b", **{"output:a": '[["11"]]'})
    return run.finds("b", clock=1_700_000_000_000).succeeds("b")


def took_too_long_and_was_retried() -> Run:
    run = Run(plan("a", a={"retry_times": 1, "retry_on_timeout": True, "max_execution_seconds": 300}))
    return run.deadline_passes("a").is_cancelled("a").retry_is_due("a").deadline_passes("a").succeeds("a")


def ran_again_with_a_changed_job() -> Run:
    run = Run(plan("a > b > c")).succeeds("a").fails("b")
    return run.is_restarted(plan=plan("a > c, n > c"), job_version=2).succeeds("a", "n", "c")


def was_told_everything_twice() -> Run:
    run = Run(plan("a > b", a={"retry_times": 1})).fails("a").retry_is_due("a").succeeds("a", "b")
    for event in list(run.history):
        run.tell(event)
    return run


def operated_by_hand() -> Run:
    """Paused and resumed, a node held and skipped, a suspended one retried, another gone past, forced at the end."""
    run = Run(plan("a > b > c, a > d > e, x", a=FailPolicy.SUSPEND, d=FailPolicy.SUSPEND))

    def does(operation: str, node: str | None = None) -> Run:
        run.now_ms += 1000
        number = f"by-hand-{len(run.history)}"
        if node is None:
            run.tell(cast("Event", OPERATIONS[operation](at_ms=run.now_ms, operation_id=number, by="anna")))
        else:
            kind = NODE_OPERATIONS[operation]
            run.tell(cast("Event", kind(at_ms=run.now_ms, operation_id=number, by="anna", node_name=node)))
        return run

    does("pause")
    run.succeeds("x")
    does("resume")
    run.fails("a")
    does("retry", "a")
    does("pause", "b")
    run.succeeds("a").fails("d")
    does("skip", "b")
    does("continue")
    run.fails("c", exit_code=4).is_cancelled("e")
    return does("force-success")


def chose_a_way_and_joined_it() -> Run:
    cases = '[{"condition": "#{Job.getNodeOutput(\\"s\\") == \\"7\\"}", "nodes": ["x"]}]'
    nodes = {
        "s": {"type": "assignment", "properties": {"value": ""}},
        "b": {"type": "branch", "properties": {"branches": cases, "default": "y"}},
        "m": {"type": "merge"},
    }
    run = Run(plan("q > s > b > x > m > z, b > y > m", **nodes)).succeeds("q", output="4711/q/1/output")
    run.finds("s", **{"output:q": "7"}).succeeds("x").fails("z")
    return run.is_restarted(RestartFrom.ERROR_NODE).succeeds("z")


CASES: tuple[Callable[[], Run], ...] = (
    all_goes_well,
    retried_after_an_error_and_a_loss,
    failed_stopped_siblings_and_ran_again_from_the_error,
    suspended_and_stopped,
    branched_on_an_ignored_failure,
    looked_up_an_output_and_the_clock,
    took_too_long_and_was_retried,
    ran_again_with_a_changed_job,
    was_told_everything_twice,
    operated_by_hand,
    chose_a_way_and_joined_it,
)


def recorded(case: Callable[[], Run]) -> History:
    run = case()
    plans = {run.state.job_version: run.plan}
    if run.first_plan is not run.plan:
        plans[1] = run.first_plan
    history = History(
        title=case.__name__.replace("_", " "), plans=plans, events=tuple(run.history), states=(), final=run.state
    )
    states, final = replay(history)
    assert final == run.state
    return msgspec.structs.replace(history, states=tuple(states))


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for case in CASES:
        path = FOLDER / f"{case.__name__}.json"
        if not path.exists():
            path.write_bytes(msgspec.json.format(msgspec.json.encode(recorded(case)), indent=1) + b"\n")
            print(f"recorded {path.name}")


if __name__ == "__main__":
    main()
