"""What a worker says of an attempt that ended otherwise than by itself."""

from __future__ import annotations

from typing import Any

import pytest

from arkwright.core.outcome import Failed, FailureKind
from arkwright.worker.attempt import Attempt

NOTHING: Any = None


@pytest.mark.parametrize(
    ("kind", "stopped", "unasked"),
    [
        (FailureKind.CANCELLED, False, True),  # the guard, or the process before this one, fenced it
        (FailureKind.CANCELLED, True, False),
        (FailureKind.ERROR, False, False),
    ],
)
def test_a_cancel_that_nobody_asked_for_is_told_apart(kind: FailureKind, stopped: bool, unasked: bool) -> None:
    attempt = Attempt(NOTHING, NOTHING, NOTHING, 0.0)
    attempt.stopped = stopped
    assert attempt._unasked(Failed(kind=kind, message="")) is unasked
