"""What events do to an instance's gate. Which of them are allowed in which state is in the table of `transitions`.

Rules: an instance whose gate is not open never begins but by `Released`; confirming and unfreezing it lead back to
waiting. Nothing here decides whether a gate may open: that is `core/gate_rules.py`, asked by the scheduler.
"""

from __future__ import annotations

from typing import Any

import msgspec

from arkwright.core.draft import Draft
from arkwright.core.events import Operation, RemoveDependencyRequested, RunPreferentiallyRequested
from arkwright.core.gate import DEPENDENCIES, Gate
from arkwright.core.instance import Instance, InstanceStatus
from arkwright.errors import IllegalState, InvalidInput


def gated(state: Instance) -> bool:
    return state.gate is not None and not state.gate.open


def wait(draft: Draft) -> bool:
    """The instance begins to wait, unless it does already. Answers whether it has just begun to."""
    gate = draft.state.gate
    assert gate is not None
    if gate.since_ms is not None:
        return False
    _change(draft, gate, since_ms=draft.at_ms)
    if gate.needs_confirmation:
        draft.set(status=InstanceStatus.WAITING_CONFIRM)
    return True


def release(draft: Draft) -> bool:
    """Answers whether there was a gate to open."""
    gate = draft.state.gate
    if gate is None or gate.open:
        return False
    _change(draft, gate, open=True)
    return True


def meet(draft: Draft, key: str) -> bool:
    gate = draft.state.gate
    if gate is None or key in gate.met or all(each.key != key for each in gate.conditions):
        return False
    _change(draft, gate, met=(*gate.met, key))
    return True


def confirm(draft: Draft, by: str) -> bool:
    """Answers whether the instance has a gate, and so goes on waiting for the rest."""
    gate = draft.state.gate
    if gate is None or gate.open:
        return False
    _change(draft, gate, confirmed_by=by)
    draft.set(status=InstanceStatus.WAITING)
    return True


def wait_again(draft: Draft) -> bool:
    """After freezing. Answers as `confirm` does."""
    gate = draft.state.gate
    if gate is None or gate.open:
        return False
    draft.set(status=InstanceStatus.WAITING_CONFIRM if gate.needs_confirmation else InstanceStatus.WAITING)
    return True


def change_gate(draft: Draft, event: Operation) -> None:
    """Raises `IllegalState` for an instance that waits for nothing, `InvalidInput` for a key that it doesn't have."""
    gate = draft.state.gate
    if gate is None or gate.open:
        raise IllegalState("The instance is just being started; it waits for nothing.", field="instance_id")
    if isinstance(event, RunPreferentiallyRequested):
        _change(draft, gate, preferred=True)
        return
    keys = tuple(each.key for each in gate.conditions if isinstance(each, DEPENDENCIES))
    if isinstance(event, RemoveDependencyRequested):
        if event.key not in keys:
            known = f"It has: {', '.join(keys)}." if keys else "It depends on nothing."
            raise InvalidInput(f"The instance has no dependency {event.key!r}.", field="key", hint=known)
        keys = (event.key,)
    _change(draft, gate, removed=(*gate.removed, *(each for each in keys if each not in gate.removed)))


def _change(draft: Draft, gate: Gate, **changes: Any) -> None:
    draft.set(gate=msgspec.structs.replace(gate, **changes))
