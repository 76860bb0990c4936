"""Everything that is stored or sent comes back from JSON as it was."""

from __future__ import annotations

import typing
from collections.abc import Mapping
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.examples import some

from arkwright.core.commands import (
    AttachAttempt,
    AttachChildren,
    CancelAttempt,
    Command,
    Finish,
    LookUp,
    OpenChildren,
    SetDeadline,
    SetInstanceTimer,
    SetRetryTimer,
    StartAttempt,
    StartChildren,
    StopChildren,
)
from arkwright.core.events import (
    AttemptEnded,
    ChildEnded,
    ConditionMet,
    DeadlinePassed,
    EngineFault,
    Event,
    FactsFound,
    InstanceOverdue,
    InstanceRequested,
    ParentStopped,
    Released,
    RemoveDependencyRequested,
    RestartRequested,
    RetryDue,
    SlotGranted,
    StopRequested,
    Withdrawn,
)
from arkwright.core.instance import ConditionPolicy, Instance, InstanceStatus, InstanceType, NodeRun, NodeStatus
from arkwright.core.job import FailPolicy, Job, Node, Parameter, ParameterKind, Plan, Script
from arkwright.core.outcome import Failed, FailureKind, Outcome, Succeeded
from arkwright.core.transitions import NODE_OPERATIONS, OPERATIONS

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
NUMBER = st.integers(0, 2**53 - 1)
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | NUMBER | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)


def of(kind: type[msgspec.Struct]) -> st.SearchStrategy[Any]:
    """Any value of a record: each field drawn by its type."""
    hints = typing.get_type_hints(kind)
    return st.builds(kind, **{name: by_type(hints[name]) for name in kind.__struct_fields__})


def by_type(hint: Any) -> st.SearchStrategy[Any]:
    """Of each member of a union, of each element of a container."""
    if hint is int:
        return NUMBER
    if hint is str:
        return TEXT
    if hint is Any:
        return JSON
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return of(hint)
    arguments = typing.get_args(hint)
    origin = typing.get_origin(hint)
    if origin is tuple and arguments[-1] is not Ellipsis:
        return st.tuples(*map(by_type, arguments))
    if origin is tuple:
        return st.lists(by_type(arguments[0]), max_size=3).map(tuple)
    if origin is Mapping:
        return st.dictionaries(by_type(arguments[0]), by_type(arguments[1]), max_size=3)
    if arguments:
        return st.one_of(*map(by_type, arguments))
    return st.from_type(hint)


def comes_back(value: Any, kind: Any) -> None:
    text = msgspec.json.encode(value)
    back = msgspec.json.decode(text, type=kind)
    assert back == value
    assert type(back) is type(value)
    assert msgspec.json.encode(back) == text


EVENTS = typing.get_args(Event)
OUTCOMES = typing.get_args(Outcome)
COMMANDS = typing.get_args(Command)


def test_these_tests_know_every_kind() -> None:
    known = {InstanceRequested, AttemptEnded, FactsFound, RetryDue, DeadlinePassed, StopRequested, RestartRequested}
    operations = {*OPERATIONS.values(), *NODE_OPERATIONS.values()}
    gates = {RemoveDependencyRequested, Released, Withdrawn, ConditionMet, SlotGranted}
    assert set(EVENTS) == known | operations | gates | {EngineFault, ChildEnded, ParentStopped, InstanceOverdue}
    assert set(OUTCOMES) == {Succeeded, Failed}
    commands = {StartAttempt, AttachAttempt, CancelAttempt, SetRetryTimer, SetDeadline, Finish, LookUp}
    assert set(COMMANDS) == commands | {OpenChildren, StartChildren, AttachChildren, StopChildren, SetInstanceTimer}


@pytest.mark.hypothesis
@pytest.mark.parametrize("kind", EVENTS)
def test_every_event_comes_back(kind: type) -> None:
    @settings(max_examples=some(25), deadline=None, derandomize=True, database=None)
    @given(of(kind))
    def check(event: Any) -> None:
        comes_back(event, Event)

    check()


@pytest.mark.hypothesis
@pytest.mark.parametrize("kind", OUTCOMES)
def test_every_outcome_comes_back(kind: type) -> None:
    @settings(max_examples=some(25), deadline=None, derandomize=True, database=None)
    @given(of(kind))
    def check(outcome: Any) -> None:
        comes_back(outcome, Outcome)

    check()


@pytest.mark.hypothesis
@pytest.mark.parametrize("kind", [kind for kind in COMMANDS if kind is not LookUp])
def test_every_command_comes_back(kind: type) -> None:
    @settings(max_examples=some(25), deadline=None, derandomize=True, database=None)
    @given(of(kind))
    def check(command: Any) -> None:
        comes_back(command, kind)

    check()


def test_every_command_can_be_told_from_the_others() -> None:
    comes_back(Finish(instance_id=1, status=InstanceStatus.FAIL), Command)


@pytest.mark.hypothesis
@pytest.mark.parametrize("kind", [Instance, NodeRun, Job, Node, Parameter, Script, Plan])
def test_every_record_comes_back(kind: type) -> None:
    @settings(max_examples=some(25), deadline=None, derandomize=True, database=None)
    @given(of(kind))
    def check(record: Any) -> None:
        comes_back(record, kind)

    check()


@pytest.mark.parametrize("kind", [*EVENTS, *OUTCOMES, *COMMANDS])
def test_a_stored_value_names_its_kind(kind: type[msgspec.Struct]) -> None:
    assert (kind.__struct_config__.tag_field, kind.__struct_config__.tag) == ("kind_", kind.__name__)


# The stored words: to change one means to migrate what is stored.
WORDS: dict[type, list[Any]] = {
    InstanceStatus: [
        "waiting-confirm", "waiting", "running", "running-exception", "pause", "success", "fail", "manual-stop",
        "freeze", "skip-by-depend",
    ],
    NodeStatus: ["waiting", "running", "success", "fail", "skip", "pause", "manual-stop"],
    InstanceType: [0, 2, 5, 6, 7, 100],
    FailureKind: ["error", "refused", "cancelled", "lost"],
    FailPolicy: ["FAIL", "FAIL_CHILD", "IGNORE", "SUSPEND"],
    ParameterKind: ["variable", "constants"],
    ConditionPolicy: ["OR", "AND"],
}  # fmt: skip


@pytest.mark.parametrize("kind", WORDS)
def test_the_stored_words_stay(kind: Any) -> None:
    assert [member.value for member in kind] == WORDS[kind]


def test_an_event_stored_by_an_earlier_version_without_the_newer_fields_is_read() -> None:
    text = b'{"kind_":"AttemptEnded","at_ms":1,"node":0,"attempt":1,"outcome":{"kind_":"Succeeded"}}'
    event = msgspec.json.decode(text, type=Event)
    assert event == AttemptEnded(at_ms=1, node=0, attempt=1, outcome=Succeeded())


def test_an_event_stored_by_a_later_version_with_more_fields_is_read() -> None:
    text = b'{"kind_":"RetryDue","at_ms":1,"node":0,"attempt":1,"reason":"later"}'
    assert msgspec.json.decode(text, type=Event) == RetryDue(at_ms=1, node=0, attempt=1)
