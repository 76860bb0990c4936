"""What every working node type has to do, on its real server: run, fail, stop within two seconds, also at its time
limit, leave nothing behind, survive kill -9 of the server, and keep its secrets to itself.

A type that is neither among the cases nor among those that are tested elsewhere, with the reason, fails the suite.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.executors.test_resident_kit import log_of, output_of
from tests.nodes import conformance_cases, conformance_jvm
from tests.nodes.conformance_kit import (
    SECRET,
    Case,
    Silence,
    attach,
    context_of,
    holding,
    kill_its_server,
    nothing_left,
    run,
    stop,
    stop_after_kill,
)
from tests.nodes.conformance_time import MINUTES, exceed_its_time
from tests.nodes.hosted_kit import HostedStage
from tests.nodes.test_restapi_web import Web

from arkwright.core.instance import InstanceStatus, NodeStatus
from arkwright.core.outcome import Failed, FailureKind, Succeeded
from arkwright.nodes.base import Work
from arkwright.nodes.registry import Registry, canonical

STOP_SECONDS = 2.0
TOP = Path(__file__).resolve().parents[2]
DECIDED = "the core decides it within a commit: nothing runs that could be stopped, killed or left behind"
ELSEWHERE = {
    "Assignment": ("tests/core/test_choices.py", DECIDED),
    "Branch": ("tests/core/test_choices.py", DECIDED),
    "Dummy": ("tests/nodes/test_dummy.py", DECIDED),
    "ForEach": ("tests/core/test_children.py", DECIDED),
    "Merge": ("tests/core/test_choices.py", DECIDED),
    "SMN": ("tests/notify/test_node_messages.py", "it is a row in the server's outbox, written with a commit"),
    "Subjob": ("tests/core/test_children.py", DECIDED),
}
Make = Callable[[pytest.FixtureRequest], Case]
CASES = {**conformance_cases.CASES, **conformance_jvm.CASES}
LONG = [pytest.mark.long, pytest.mark.timeout(900)]
SELDOM = {conformance_cases.python_over_ssh}
"""Long, too: another case stands for it."""
TIMED = {conformance_cases.dlisql, conformance_cases.restapi, conformance_cases.shell}
"""Their time limits are no long tests: a database, a connection, a program."""


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HostedStage]:
    stage = HostedStage(tmp_path_factory.mktemp("conformance"))
    yield stage
    stage.close()


@pytest.fixture(scope="module")
def web() -> Iterator[Web]:
    web = Web()
    yield web
    web.close()


@pytest.fixture
def silence() -> Iterator[Silence]:
    silence = Silence()
    yield silence
    silence.listener.close()


def every(*, quick: Callable[[Make], bool]) -> list[Any]:
    """All cases; those that are not quick are for the long tests."""
    return [
        pytest.param(
            (name, each), marks=() if quick(each) and name not in conformance_jvm.CASES else LONG, id=each.__name__
        )
        for name, cases in CASES.items()
        for each in cases
    ]


def made_of(request: pytest.FixtureRequest) -> Case:
    name, make = request.param
    made: Case = make(request)
    assert made.type == name
    return made


@pytest.fixture(params=every(quick=lambda make: make not in SELDOM))
def case(request: pytest.FixtureRequest) -> Case:
    return made_of(request)


@pytest.fixture(params=every(quick=lambda make: make in TIMED))
def timed_case(request: pytest.FixtureRequest) -> Case:
    return made_of(request)


def needs_a_server(case: Case) -> None:
    if case.no_server:
        pytest.skip(case.no_server)


def test_it_runs_and_leaves_nothing(stage: HostedStage, case: Case) -> None:
    needs_a_server(case)
    context = context_of(stage, case, case.good)
    outcome = run(stage, case, context)
    assert isinstance(outcome, Succeeded), (outcome, log_of(context))
    assert nothing_left(case) == 0


def test_it_fails_with_a_message_and_leaves_nothing(stage: HostedStage, case: Case) -> None:
    if case.never_fails:
        pytest.skip(case.never_fails)
    context = context_of(stage, case, case.bad, connection=case.bad_connection or case.connection)
    outcome = run(stage, case, context)
    assert isinstance(outcome, Failed), log_of(context)
    assert outcome.kind is FailureKind.ERROR
    assert outcome.message
    assert nothing_left(case) == 0


def test_it_stops_within_two_seconds_and_leaves_nothing(stage: HostedStage, case: Case) -> None:
    if case.at_once:
        pytest.skip("it is done at once")
    context = context_of(stage, case, case.slow, connection=case.slow_connection or case.connection)
    outcome, seconds = stop(stage, case, context)
    assert isinstance(outcome, Failed), log_of(context)
    assert outcome.kind is FailureKind.CANCELLED
    assert seconds < STOP_SECONDS
    assert nothing_left(case) == 0
    if not case.no_server:
        again = context_of(stage, case, case.good)
        assert isinstance(run(stage, case, again), Succeeded), log_of(again)


def test_it_fails_at_its_time_limit_and_leaves_nothing(stage: HostedStage, timed_case: Case, tmp_path: Path) -> None:
    case = timed_case
    if case.at_once:
        pytest.skip("it is done at once")
    state = exceed_its_time(stage, case, tmp_path)
    run = state.nodes[0]
    assert (state.status, run.status) == (InstanceStatus.FAIL, NodeStatus.FAIL)
    assert f"maximum execution time of {MINUTES} minutes" in (run.message or "")
    assert run.attempt == 1  # it would be retried only with execTimeOutRetry
    assert nothing_left(case) == 0


def test_it_survives_kill_9_of_the_server(stage: HostedStage, case: Case) -> None:
    """Without a server of its own: it is found again where it waits for one, and can be stopped."""
    context = context_of(stage, case, case.lasting, connection=case.connection or case.slow_connection)
    kill_its_server(stage, case, context)
    if case.no_server:
        outcome = stop_after_kill(stage, case, context)
        assert isinstance(outcome, Failed)
        assert outcome.kind is FailureKind.CANCELLED
    else:
        outcome = attach(stage, case, context)
        assert isinstance(outcome, Succeeded), (outcome, log_of(context))
    assert nothing_left(case) == 0


def test_its_secrets_are_in_no_file_and_no_message(stage: HostedStage, case: Case) -> None:
    place = case.bad_connection if case.no_server else case.connection
    context = context_of(stage, case, case.leak, connection=place, secrets=(SECRET,))
    outcome = run(stage, case, context)
    refused = isinstance(outcome, Failed) and outcome.kind is FailureKind.REFUSED
    expected = "Failed" if case.no_server else case.leaks_as
    assert ("Refused" if refused else type(outcome).__name__) == expected, (outcome, log_of(context))
    assert SECRET not in str(outcome)
    assert SECRET not in log_of(context)
    assert SECRET not in (output_of(context, outcome) or "")
    passwords = [each for each in context.secrets if each]
    assert holding(stage, context, *passwords) == []


def test_every_type_is_in_the_suite_or_says_where_it_is_tested_and_why_there() -> None:
    types = set(Registry(group=None).names())
    assert {name for name in types if not (name in CASES) ^ (name in ELSEWHERE)} == set()
    assert (set(CASES) | set(ELSEWHERE)) - types == set(), "these are no types any more"
    for name, (path, reason) in ELSEWHERE.items():
        assert reason
        assert canonical(name) in canonical((TOP / path).read_text()), f"{path} does not name {name}"


def test_a_type_without_a_server_says_so_where_people_read_it() -> None:
    registry = Registry(group=None)
    untested = {name for name in registry.names() if "Not tested with one" in registry.find(name).type.server}
    in_another_ones_place = {"CSS", "DorisSQL"}
    silent = {"MRSHetuEngine", "MRSImpalaSQL", "MRSPrestoSQL"}
    assert untested == in_another_ones_place | silent
    assert {name for name in ELSEWHERE if registry.work(name) not in (Work.CONTROL, Work.MESSAGE)} == set()
