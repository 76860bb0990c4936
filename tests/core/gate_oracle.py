"""A second opinion on gates: the documented rules over plain tuples, naive, sharing no code with the core.

`verdict` answers "opens", "waits" or the state in which a waiting instance ends.
"""

from __future__ import annotations

from typing import Any

Instance = tuple[int, str]
"""(plan time, state)."""

BAD = ("fail", "manual-stop", "freeze")


def upstream(
    instances: list[Instance], take: str, policy: str, next_plan: int | None, stopped: bool, end_is_enough: bool
) -> str:
    """What one window of another job means: "met", "waits" or "cancels"."""
    real = [each for each in sorted(instances) if each[1] != "skip-by-depend"]

    def good(state: str) -> bool:
        return state == "success" or (end_is_enough and state in ("fail", "manual-stop"))

    def bad(state: str) -> bool:
        return state in BAD and not good(state)

    if take == "ANY":
        if any(good(state) for _, state in real):
            return "met"
        undecided = next_plan is not None or any(not bad(state) for _, state in real)
        relevant = [] if undecided else real
    elif take == "LAST":
        undecided = next_plan is not None or (bool(real) and not good(real[-1][1]) and not bad(real[-1][1]))
        relevant = [] if next_plan is not None else real[-1:]
    else:
        undecided = next_plan is not None or any(not good(state) and not bad(state) for _, state in real)
        relevant = real
    failed = any(bad(state) for _, state in relevant)
    if failed and policy == "FAIL":
        return "cancels"
    if failed and policy == "SUSPEND":
        undecided = True
    if not undecided:
        return "met"
    return "cancels" if stopped else "waits"


def verdict(world: dict[str, Any]) -> str:
    if world["state"] == "freeze":
        return "waits"
    if world["expired"]:
        return "manual-stop"
    answers: list[str] = []
    if world["confirmation"] and not world["confirmed"]:
        answers.append("waits")
    for window in world["windows"]:
        if not window["removed"]:
            asked = {name: value for name, value in window.items() if name != "removed"}
            answers.append(upstream(**asked))
    previous = world["previous"]
    if previous is not None and not world["previous_removed"] and previous not in ("success", "skip-by-depend"):
        answers.append("waits")
    if world["latest_only"] and world["newer"]:
        answers.append("skips")
    if world["running"] >= world["limit"] or (world["limit"] == 1 and world["older"] and not world["preferred"]):
        answers.append("waits")
    for ending in answers:
        if ending in ("cancels", "skips"):
            return {"cancels": "manual-stop", "skips": "skip-by-depend"}[ending]
    return "waits" if "waits" in answers else "opens"
