"""The states of a real-time job and of its nodes, from what its triggers are doing (factory-api 6.5)."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum


class RealTimeState(StrEnum):
    """With the API's words."""

    STARTING = "STARTING"
    NORMAL = "NORMAL"
    EXCEPTION = "EXCEPTION"
    STOPPING = "STOPPING"
    STOPPED = "STOPPED"
    PAUSE = "PAUSE"
    DISABLE = "DISABLE"


def job_state(nodes: Iterable[RealTimeState]) -> RealTimeState:
    """Disabled nodes don't count, unless there are no others. The first of these that any node is in: stopping,
    exception, starting; then paused if all are (the stopped ones aside), stopped if all are, else normal."""
    states = set(nodes)
    counted = states - {RealTimeState.DISABLE}
    if not counted:
        return RealTimeState.DISABLE if states else RealTimeState.STOPPED
    for first in (RealTimeState.STOPPING, RealTimeState.EXCEPTION, RealTimeState.STARTING):
        if first in counted:
            return first
    if counted == {RealTimeState.STOPPED}:
        return RealTimeState.STOPPED
    if counted <= {RealTimeState.PAUSE, RealTimeState.STOPPED}:
        return RealTimeState.PAUSE
    return RealTimeState.NORMAL
