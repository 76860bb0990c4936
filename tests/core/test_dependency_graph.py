"""Cycles among jobs that wait for each other."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from arkwright.core.dependency_graph import cycle_sentence, find_cycle


def test_a_cycle_is_shown_in_the_order_of_waiting() -> None:
    waits = {"a": ["x", "b"], "b": ["c"], "c": ["a"], "x": ["y"], "y": []}
    cycle = find_cycle("a", lambda job: waits[job])
    assert cycle == ("a", "b", "c", "a")
    assert cycle_sentence(cycle) == "a waits for b, b waits for c, c waits for a"


def test_a_job_may_wait_for_itself() -> None:
    assert find_cycle("a", lambda _: ["a"]) == ("a", "a")
    assert cycle_sentence(("a", "a")) == "a waits for a"


def test_a_cycle_further_up_is_not_this_jobs() -> None:
    waits = {"a": ["b"], "b": ["c"], "c": ["b"]}
    assert find_cycle("a", lambda job: waits[job]) is None
    assert find_cycle("b", lambda job: waits[job]) == ("b", "c", "b")


def test_a_long_chain_is_walked_without_recursion() -> None:
    assert find_cycle(0, lambda job: [job + 1] if job < 50_000 else []) is None
    found = find_cycle(0, lambda job: [(job + 1) % 50_000])
    assert found is not None
    assert len(found) == 50_001


@given(st.lists(st.sets(st.integers(0, 7), max_size=3), min_size=8, max_size=8))
def test_a_cycle_is_found_where_a_job_can_reach_itself(waits: list[set[int]]) -> None:
    reached: set[int] = set()
    frontier = set(waits[0])
    while frontier:
        reached |= frontier
        frontier = {other for job in frontier for other in waits[job]} - reached
    cycle = find_cycle(0, lambda job: sorted(waits[job]))
    assert (cycle is not None) == (0 in reached)
    if cycle is not None:
        assert cycle[0] == cycle[-1] == 0
        assert len(set(cycle)) == len(cycle) - 1
        assert all(other in waits[job] for job, other in itertools.pairwise(cycle))
