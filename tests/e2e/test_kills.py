"""The server is killed again and again with requests in flight: nothing is lost, nothing happens twice.

`ARKWRIGHT_E2E_KILLS` says how often (200 in the long form), `ARKWRIGHT_E2E_SEED` which random moments.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest
from tests.e2e.house import house
from tests.e2e.storm import Storm

KILLS = int(os.environ.get("ARKWRIGHT_E2E_KILLS", "12"))
SEED = int(os.environ.get("ARKWRIGHT_E2E_SEED", "1"))


@pytest.mark.timeout(120 + 10 * KILLS)
def test_every_instance_ends_as_if_the_server_had_never_been_killed(tmp_path: Path) -> None:
    with house(tmp_path) as home:
        storm = Storm(home, SEED, KILLS)
        storm.prepare()
        storm.rage()
        storm.settle()
        storm.judge()
        asyncio.run(storm.judge_store(home.data / "arkwright.db"))
        print(storm.count)
