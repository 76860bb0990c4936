"""Who gets the next slot."""

from __future__ import annotations

import pytest

from arkwright.core.slots import AGE_MS, SlotLimits, SlotWaiter, grants

NOW = 10 * AGE_MS


def waiter(name: int, *, group: str = "", priority: int = 0, waited: int = 0) -> SlotWaiter:
    return SlotWaiter(instance_id=name, node=0, group=group, priority=priority, since_ms=NOW - waited)


def granted(waiting: list[SlotWaiter], held: dict[str, int], limits: SlotLimits) -> list[int]:
    return [each.instance_id for each in grants(waiting, held, limits, NOW)]


def test_priority_comes_first_then_who_has_waited_longer() -> None:
    waiting = [waiter(1, priority=2), waiter(2, priority=1), waiter(3, waited=5), waiter(4, waited=9)]
    assert granted(waiting, {}, SlotLimits(workspace=3)) == [4, 3, 2]


@pytest.mark.parametrize(("waited", "first"), [(AGE_MS - 1, 2), (2 * AGE_MS - 1, 2), (2 * AGE_MS, 1)])
def test_waiting_raises_a_priority_until_it_is_the_first(waited: int, first: int) -> None:
    waiting = [waiter(1, priority=2, waited=waited), waiter(2, waited=1)]
    assert granted(waiting, {}, SlotLimits(workspace=1)) == [first]


def test_both_limits_must_have_room() -> None:
    limits = SlotLimits(workspace=3, groups={"g": 1})
    waiting = [waiter(1, group="g"), waiter(2, group="g"), waiter(3), waiter(4)]
    assert granted(waiting, {}, limits) == [1, 3, 4]
    assert granted(waiting, {"g": 1}, limits) == [3, 4]
    assert granted(waiting, {"g": 1, "": 2}, limits) == []
    assert granted(waiting, {"": 5}, limits) == []


def test_a_group_that_is_gone_has_no_limit() -> None:
    assert granted([waiter(1, group="gone"), waiter(2, group="gone")], {"gone": 7}, SlotLimits()) == [1, 2]
