"""The brake on guessing passwords, with a clock that the test holds."""

from __future__ import annotations

import pytest

from arkwright.errors import TooManyRequests
from arkwright.iam.throttle import Limit, Throttle, network_of

USER = Limit(free=2, longest_seconds=8)
SOURCE = Limit(free=100, longest_seconds=600)


def refused(throttle: Throttle, user: str, source: str, now: float) -> int:
    """The seconds that the answer asks to wait."""
    with pytest.raises(TooManyRequests) as caught:
        throttle.admit(user, source, now)
    return caught.value.retry_after_seconds


def test_the_wait_doubles_with_each_failure_up_to_its_longest() -> None:
    throttle = Throttle(per_user=USER, per_source=SOURCE)
    now = 0.0
    for _ in range(2):
        throttle.admit("ann", "10.0.0.1", now)
    waits = []
    for _ in range(6):
        throttle.admit("ann", "10.0.0.1", now)
        wait = refused(throttle, "ann", "10.0.0.1", now)
        waits.append(wait)
        assert refused(throttle, "ann", "10.0.0.1", now + wait - 0.001) == 1
        now += wait
    assert waits == [1, 2, 4, 8, 8, 8]


def test_a_refused_attempt_does_not_lengthen_the_wait() -> None:
    throttle = Throttle(per_user=USER, per_source=SOURCE)
    for _ in range(3):
        throttle.admit("ann", "10.0.0.1", 0)
    for _ in range(50):
        assert refused(throttle, "ann", "10.0.0.1", 0.5) == 1
    throttle.admit("ann", "10.0.0.1", 1)


def test_attempts_side_by_side_count_before_they_end() -> None:
    throttle = Throttle(per_user=USER, per_source=SOURCE)
    for _ in range(USER.free + 1):
        throttle.admit("ann", "10.0.0.1", 0)
    refused(throttle, "ann", "10.0.0.1", 0)


def test_success_clears_the_user_but_not_the_source() -> None:
    throttle = Throttle(per_user=USER, per_source=Limit(free=3, longest_seconds=60))
    for name in ("ann", "bob", "cid"):
        throttle.admit(name, "10.0.0.1", 0)
    throttle.admit("own", "10.0.0.1", 0)
    throttle.succeeded("own", "10.0.0.1")
    throttle.admit("dan", "10.0.0.1", 0)
    assert refused(throttle, "own", "10.0.0.1", 0) == 1
    throttle.admit("own", "10.0.0.2", 0)


def test_another_source_is_held_back_for_the_same_user_and_another_user_is_not() -> None:
    throttle = Throttle(per_user=USER, per_source=SOURCE)
    for _ in range(3):
        throttle.admit("ann", "10.0.0.1", 0)
    refused(throttle, "ann", "10.9.9.9", 0)
    throttle.admit("bob", "10.0.0.1", 0)


def test_one_source_guessing_at_many_users_is_held_back() -> None:
    throttle = Throttle(per_user=USER, per_source=Limit(free=10, longest_seconds=600))
    for number in range(11):
        throttle.admit(f"user{number}", "10.0.0.1", 0)
    refused(throttle, "somebody", "10.0.0.1", 0)


def test_success_after_failures_starts_from_nothing() -> None:
    throttle = Throttle(per_user=USER, per_source=SOURCE)
    for _ in range(2):
        throttle.admit("ann", "10.0.0.1", 0)
    throttle.admit("ann", "10.0.0.1", 0)
    throttle.succeeded("ann", "10.0.0.1")
    for _ in range(3):
        throttle.admit("ann", "10.0.0.1", 0)
    refused(throttle, "ann", "10.0.0.1", 0)


def test_old_failures_are_forgotten() -> None:
    throttle = Throttle(per_user=USER, per_source=SOURCE)
    for _ in range(3):
        throttle.admit("ann", "10.0.0.1", 0)
    for _ in range(3):
        throttle.admit("ann", "10.0.0.1", USER.forget_seconds)


def test_memory_is_bounded_and_the_oldest_go_first() -> None:
    throttle = Throttle(per_user=USER, per_source=SOURCE, capacity=10)
    for _ in range(3):
        throttle.admit("ann", "10.0.0.1", 0)
    for number in range(9):
        throttle.admit(f"user{number}", "10.0.0.2", 0)
    refused(throttle, "ann", "10.0.0.1", 0)
    throttle.admit("one more", "10.0.0.2", 0)
    throttle.admit("ann", "10.0.0.1", 0)
    assert len(throttle._users._counts) == 10


def test_a_very_long_count_does_not_overflow() -> None:
    assert USER.wait_seconds(10**9) == 8


@pytest.mark.parametrize(
    ("source", "network"),
    [
        ("10.0.0.1", "10.0.0.1"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::9", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("unix:", "unix:"),
    ],
)
def test_a_source_is_an_address_or_an_ipv6_network(source: str, network: str) -> None:
    assert network_of(source) == network
