"""What a defect of ours means for one instance: it ends and says so, and holds up no other."""

from __future__ import annotations

from arkwright.core.events import EngineFault


def internal(fault: BaseException) -> str:
    return f"Internal error: {fault!r}. The server's log has more."


def engine_fault(fault: BaseException, at_ms: int) -> EngineFault:
    return EngineFault(at_ms=at_ms, message=internal(fault))
