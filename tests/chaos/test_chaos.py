"""Servers on hosts of their own, under load, while networks part, processes die and freeze, and clocks go wrong.

`ARKWRIGHT_CHAOS_SECONDS` says for how long (`make chaos`: ten minutes), `ARKWRIGHT_CHAOS_SEED` which faults.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.chaos.chaos import Chaos
from tests.chaos.machines import LARGE, SMALL
from tests.chaos.network import missing

WHY_NOT = missing()
SECONDS = float(os.environ.get("ARKWRIGHT_CHAOS_SECONDS", "12"))
LONG_SECONDS = 60
"""From then on there are more hosts, which take longer to start."""
SEED = int(os.environ.get("ARKWRIGHT_CHAOS_SEED", "1"))
pytestmark = [pytest.mark.postgres, pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT)]


@pytest.fixture
def folder() -> Iterator[Path]:
    """Not below pytest's own folder: the database runs as a user of its own."""
    made = Path(tempfile.mkdtemp(prefix="arkwright-chaos-"))
    yield made
    shutil.rmtree(made, ignore_errors=True)


def keep_logs(folder: Path) -> Path:
    """What the servers said, where it outlives the test."""
    kept = Path(tempfile.mkdtemp(prefix="chaos-logs-"))
    for log in (*folder.glob("*/server.log"), folder / "db" / "log"):
        shutil.copy(log, kept / f"{log.parent.name}.log")
    return kept


@pytest.mark.timeout(SECONDS + 600)
def test_nothing_is_lost_and_nothing_happens_twice_whatever_breaks(folder: Path) -> None:
    begun = time.monotonic()
    told = Chaos(folder, seed=SEED, seconds=SECONDS, roles=SMALL if SECONDS < LONG_SECONDS else LARGE).run()
    print(told.text(time.monotonic() - begun), flush=True)
    assert not told.wrong, f"{len(told.wrong)} violations; the servers' logs are in {keep_logs(folder)}"
