"""Random jobs, random outcomes, random operators: the core against an oracle, and the invariants of the design.

The choices of one run come from a tape of bytes, so that a failing run shrinks to a short tape.
"""

from __future__ import annotations

import copy
from typing import Any

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.core.oracle import Oracle, Shape
from tests.core.oracle_operators import WHERE
from tests.core.scenarios import Duty, Engine, News, shapes
from tests.examples import some

from arkwright.core.commands import (
    CancelAttempt,
    Command,
    Finish,
    LookUp,
    OpenChildren,
    SetDeadline,
    SetRetryTimer,
    StartAttempt,
    StartChildren,
    StopChildren,
)
from arkwright.core.events import (
    ContinueRequested,
    EngineFault,
    Event,
    ForceSuccessRequested,
    NodeForceSuccessRequested,
    NodeRetryRequested,
    RestartRequested,
)
from arkwright.core.instance import ENDED_NODE, Instance, NodeRun, NodeStatus
from arkwright.core.step import step

HOWS = ["success", "success", "success", "error", "error-7", "lost", "refused", "cancelled"]
SETTINGS = settings(
    max_examples=some(150), deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow], database=None
)

# ---------------------------------------------------------------- the core against the oracle


def possible_news(engine: Engine, tape: Tape) -> list[News]:
    news: list[News] = []
    for kind, node, attempt in sorted(engine.duties):
        match kind:
            case "attempt":
                news.append({"what": "ended", "node": node, "attempt": attempt, "how": tape.pick(HOWS)})
            case "deadline" if tape.next() % 3 == 0:
                news.append({"what": "deadline", "node": node, "attempt": attempt})
            case "retry":
                news.append({"what": "retry", "node": node, "attempt": attempt})
            case str() if kind.startswith("child "):
                how = tape.pick(["success", "success", "fail", "manual-stop"])
                news.append({"what": "child", "node": node, "attempt": attempt, "row": int(kind[6:]), "how": how})
            case "look-up":
                shows = tape.next()
                missing = {"what": "no-clock", "node": node, "number": attempt}
                news.append(
                    missing if shows > 200 else {"what": "clock", "node": node, "number": attempt, "shows": shows}
                )
    return news


class Tape:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def left(self) -> bool:
        return self._at < len(self._data)

    def next(self) -> int:
        value = self._data[self._at] if self.left else 0
        self._at += 1
        return value

    def pick(self, options: list[Any]) -> Any:
        return options[self.next() % len(options)]


def next_news(engine: Engine, versions: int, tape: Tape, operation: int) -> News | None:
    """None: an old event is told again."""
    choice = tape.next()
    if choice > 235:
        return None
    if engine.state.ended and choice % 7 == 0:
        return operation_news(engine, tape, operation)
    if engine.state.ended:
        version = choice % versions
        return {
            "what": "restart",
            "operation": f"o{operation}",
            "version": version,
            "position": tape.pick(["error", "first", "specified", "error"]),
            "node": tape.next() % len(engine.plans[version].job.nodes),
        }
    news = possible_news(engine, tape)
    if choice > 232:
        return {"what": "fault"}
    if 190 < choice <= 225 or (not news and choice % 4):
        return operation_news(engine, tape, operation)
    if choice > 225 or not news:
        return {"what": "stop", "operation": f"o{operation}"}
    chosen: News = tape.pick(news)
    return chosen


_LIKELY = {"waiting": ("pause node", "skip node"), "pause": ("resume node", "skip node", "resume node")}


def operation_news(engine: Engine, tape: Tape, operation: int) -> News:
    """Mostly something that makes sense, at times anything."""
    how, target = tape.pick(sorted(WHERE)), tape.next() % 5
    likely = [(how, run.index) for run in engine.state.nodes for how in _LIKELY.get(run.status.value, ())]
    if likely and tape.next() % 2:
        how, target = tape.pick(likely)
    return {"what": "operate", "operation": f"o{operation}", "how": how, "target": target}


def rows_of(run: NodeRun) -> tuple[list[int], ...]:
    """Of a loop: rows that succeeded, and while it runs those that failed and those under way."""
    children = run.children
    if children is None:
        return [], [], []
    good = [row for row in range(children.total) if children.has_succeeded(row)]
    if run.status is not NodeStatus.RUNNING or run.retry_at_ms is not None:
        return good, [], []
    return good, list(children.failed_rows()), list(children.under_way())


def expected_rows(run: dict[str, Any]) -> tuple[list[int], ...]:
    if run["state"] != "running" or run["pausing"]:
        return sorted(run["good"]), [], []
    return sorted(run["good"]), sorted(run["bad"]), sorted(run["under_way"])


def seen(state: Instance) -> dict[str, Any]:
    return {
        "state": state.status.value,
        "ending": state.stopping.value if state.stopping else None,
        "ignored": state.ignore_success,
        "forced": state.force_success,
        "nodes": [
            (
                *(run.status.value, run.attempt, run.retries, run.retry_at_ms is not None, run.looking_up),
                *(run.cancelling, run.forced, run.skipped_alone, *rows_of(run)),
                *(run.value, None if run.chosen is None else list(run.chosen)),
            )
            for run in state.nodes
        ],
    }


def expected(oracle: Oracle) -> dict[str, Any]:
    return {
        "state": oracle.state,
        "ending": oracle.ending,
        "ignored": oracle.success_with_ignored_failures,
        "forced": oracle.forced,
        "nodes": [
            (
                *(run["state"], run["attempts"], run["used"], run["pausing"], run["asking"]),
                *(run["told_to_stop"], run["forced"], run["alone"], *expected_rows(run)),
                *(run["value"], run["chosen"]),
            )
            for run in oracle.nodes
        ],
    }


def done_by(commands: tuple[Command, ...]) -> list[tuple[str, int, int]]:
    done = []
    for command in commands:
        match command:
            case StartAttempt():
                done.append(("start", command.node, command.attempt))
            case StartChildren():
                done += [(f"child {row}", command.node, command.attempt) for row in command.rows]
            case CancelAttempt() | StopChildren():
                done.append(("cancel", command.node, command.attempt))
            case LookUp():
                done.append(("ask", command.node, command.number))
            case SetRetryTimer():
                done.append(("pause", command.node, command.attempt))
            case Finish():
                done.append(("finish", 0, 0))
            case SetDeadline():
                assert any(
                    isinstance(c, StartAttempt | OpenChildren) and c.deadline_ms == command.at_ms for c in commands
                )
    return sorted(done)


@SETTINGS
@given(
    versions=st.lists(shapes(), min_size=1, max_size=2),
    tape=st.binary(min_size=80, max_size=300),
    all_conditions=st.booleans(),
    skip_next=st.booleans(),
)
def test_the_core_does_what_the_oracle_says_after_every_event(
    versions: list[Shape], tape: bytes, all_conditions: bool, skip_next: bool
) -> None:
    engine = Engine(versions, all_conditions=all_conditions, skip_next=skip_next)
    oracle = Oracle(versions, all_conditions=all_conditions, skip_next=skip_next)
    choices = Tape(tape)
    told: list[tuple[News, Event]] = []
    news: News | None = {"what": "requested"}
    while True:
        if news is None:
            news, event = choices.pick([pair for pair in told if pair[0]["what"] != "fault"])
        else:
            event = engine.event_of(news)
            told.append((news, event))
        before = engine.state
        engine.deliver(event)
        oracle.hear(**news)
        assert engine.refused is oracle.refused
        assert seen(engine.state) == expected(oracle)
        assert done_by(engine.commands) == sorted(oracle.done)
        check_the_invariants(engine, before, event)
        if not choices.left:
            break
        news = next_news(engine, len(versions), choices, len(told))
    check_the_history(engine)


# ---------------------------------------------------------------- invariants


_REVIVING = ContinueRequested | ForceSuccessRequested | NodeForceSuccessRequested | NodeRetryRequested
"""Operations that change how a node ended."""


def check_the_invariants(engine: Engine, before: Instance, event: Event) -> None:
    after = engine.state
    if isinstance(event, RestartRequested) and after is not before:
        return
    if engine.refused:
        assert after is before, "a refused operation changed something"
        return
    if before.ended and not isinstance(event, ForceSuccessRequested):
        assert after is before, "an ended instance changed without a restart"
    for old, new in zip(before.nodes, after.nodes, strict=False):
        if old.status in ENDED_NODE and not isinstance(event, _REVIVING):
            assert new is old, "a node run ended twice"
    for command in engine.commands:
        if isinstance(command, StartAttempt | OpenChildren):
            node = engine.plan.job.nodes[command.node]
            runs = [after.nodes[index] for index in node.predecessors]
            assert all(
                run.status in (NodeStatus.SUCCESS, NodeStatus.SKIP)
                or (run.status is NodeStatus.FAIL and run.failure_ignored)
                for run in runs
            ), "a node started before its predecessors let it"
            assert not runs or any(run.status is not NodeStatus.SKIP or run.forced or run.skipped_alone for run in runs)
    if not isinstance(event, EngineFault):
        again, commands = step(engine.plan, after, event)
        assert again is after, "the same event told twice changed something"
        assert commands == ()
    check_recovery(engine)


def check_recovery(engine: Engine) -> None:
    """What a new owner works out from the state is what the old one still had to do, but for what means nothing."""
    recovered = engine.recovered()
    assert set(recovered) <= set(engine.duties), "recovery does what nobody asked for"
    for duty in set(engine.duties) - set(recovered):
        if duty[0] == "look-up" and engine.state.stopping is not None:
            continue  # its answer would start nothing any more
        for event in answers(engine, duty):
            same, commands = step(engine.plan, engine.state, event)
            assert same is engine.state, f"recovery forgets {duty}"
            assert commands == ()
    for duty, command in recovered.items():
        if isinstance(command, SetDeadline | SetRetryTimer | LookUp | CancelAttempt | StopChildren):
            assert command == engine.duties[duty], "recovery remembers it differently"


def answers(engine: Engine, duty: Duty) -> list[Event]:
    kind, node, attempt = duty
    if kind.startswith("child "):
        row = {"what": "child", "node": node, "attempt": attempt, "row": int(kind[6:])}
        return [engine.event_of({**row, "how": how}) for how in ("success", "fail")]
    news: dict[str, list[News]] = {
        "stop": [],
        "attempt": [{"what": "ended", "node": node, "attempt": attempt, "how": how} for how in ("success", "error")],
        "cancel": [{"what": "ended", "node": node, "attempt": attempt, "how": "cancelled"}],
        "deadline": [{"what": "deadline", "node": node, "attempt": attempt}],
        "retry": [{"what": "retry", "node": node, "attempt": attempt}],
        "look-up": [{"what": "clock", "node": node, "number": attempt, "shows": 0}],
    }
    return [engine.event_of(each) for each in news[kind]]


def check_the_history(engine: Engine) -> None:
    """Replaying the stored events gives the stored state: nothing but the events decides."""
    decoder = msgspec.json.Decoder(Event)
    events = [decoder.decode(msgspec.json.encode(event)) for event in engine.history]
    state, plan = events[0].instance, engine.plans[0]
    for event in events:
        wanted = engine.plans[event.job_version - 1] if isinstance(event, RestartRequested) else plan
        before = state
        state, _ = step(wanted, before, event)
        plan = plan if state is before else wanted
    assert state == engine.state
    assert msgspec.json.encode(state) == msgspec.json.encode(engine.state)


# ---------------------------------------------------------------- a crash at every point


def fated(duty: Duty, fate: bytes) -> list[News]:
    """What becomes of a duty is written beforehand, whoever sees to it and when."""
    kind, node, attempt = duty
    lot = fate[(node * 7 + attempt * 3) % len(fate)]
    match kind:
        case "retry":
            return [{"what": "retry", "node": node, "attempt": attempt}]
        case "look-up":
            return [{"what": "clock", "node": node, "number": attempt, "shows": lot}]
        case "cancel":
            return [{"what": "ended", "node": node, "attempt": attempt, "how": "cancelled"}]
        case str() if kind.startswith("child "):
            row = int(kind[6:])
            how = ["success", "success", "fail"][fate[(node * 7 + attempt * 3 + row) % len(fate)] % 3]
            return [{"what": "child", "node": node, "attempt": attempt, "row": row, "how": how}]
        case "deadline" if lot % 5 == 0:
            return [{"what": "deadline", "node": node, "attempt": attempt}]
        case "attempt" if lot % 5:
            return [{"what": "ended", "node": node, "attempt": attempt, "how": HOWS[lot % len(HOWS)]}]
    return []


def go_on(engine: Engine, fate: bytes, *, stop_after: int, crash_after: int | None) -> int:
    """Until nothing is left to do; answers the number of events that changed something."""
    changes = 0
    while True:
        if changes == crash_after:
            engine.crash()
            crash_after = None
        options = [news for duty in sorted(engine.duties) for news in fated(duty, fate)]
        if changes == stop_after and not engine.state.ended:
            options.insert(0, {"what": "stop", "operation": "o1"})
            stop_after = -1
        if not options:
            return changes
        before, now_ms = engine.state, engine.now_ms
        engine.tell(options[0])
        if engine.state is before:
            engine.now_ms = now_ms
        else:
            changes += 1


@settings(SETTINGS, max_examples=some(60))
@given(shape=shapes(most=8), fate=st.binary(min_size=1, max_size=20), stop_after=st.integers(-1, 12))
def test_a_crash_at_any_point_changes_nothing_about_how_the_instance_ends(
    shape: Shape, fate: bytes, stop_after: int
) -> None:
    undisturbed = Engine([shape])
    undisturbed.tell({"what": "requested"})
    requested = copy.copy(undisturbed)
    requested.duties = dict(undisturbed.duties)
    changes = go_on(undisturbed, fate, stop_after=stop_after, crash_after=None)
    assert undisturbed.state.ended or undisturbed.state.status.value == "running-exception"
    for point in range(changes + 1):
        crashed = copy.copy(requested)
        crashed.duties, crashed.history = dict(requested.duties), list(requested.history)
        go_on(crashed, fate, stop_after=stop_after, crash_after=point)
        assert crashed.state == undisturbed.state


@settings(SETTINGS, max_examples=some(100))
@given(shape=shapes(), tape=st.binary(min_size=60, max_size=120))
def test_every_instance_ends_or_waits_for_an_operator(shape: Shape, tape: bytes) -> None:
    engine, choices = Engine([shape]), Tape(tape)
    engine.tell({"what": "requested"})
    for _ in range(200):
        news = possible_news(engine, choices)
        if not news:
            break
        engine.tell(choices.pick(news))
    suspended = any(
        run.status is NodeStatus.FAIL and rules["policy"] == "SUSPEND"
        for run, rules in zip(engine.state.nodes, shape, strict=True)
    )
    assert engine.state.ended or (suspended and engine.state.status.value == "running-exception")


def test_the_oracle_shares_no_code_with_the_core() -> None:
    assert "arkwright" not in {name.partition(".")[0] for name in vars_of_the_oracle()}


def vars_of_the_oracle() -> set[str]:
    import tests.core.oracle as oracle

    return {getattr(value, "__module__", "") or "" for value in vars(oracle).values()}
