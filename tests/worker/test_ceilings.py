"""What programs may take on a worker: whoever says less is obeyed."""

from __future__ import annotations

from arkwright.nodes.program_limits import ProgramLimits
from arkwright.worker.ceilings import Ceilings


def test_the_stricter_of_worker_and_workspace_wins_limit_by_limit() -> None:
    ceilings = Ceilings(ProgramLimits(memory_bytes=1000, seconds=60))
    ceilings.learn("a", ProgramLimits(memory_bytes=500, processes=10, seconds=100))
    ceilings.learn("b", ProgramLimits(memory_bytes=2000))
    assert ceilings("a") == ProgramLimits(memory_bytes=500, processes=10, seconds=60)
    assert ceilings("b") == ProgramLimits(memory_bytes=1000, seconds=60)
    assert ceilings("unheard of") == ProgramLimits(memory_bytes=1000, seconds=60)


def test_the_last_claim_says_what_its_workspace_may_now() -> None:
    ceilings = Ceilings()
    ceilings.learn("a", ProgramLimits(seconds=5))
    ceilings.learn("a", ProgramLimits())
    assert ceilings("a") == ProgramLimits()
