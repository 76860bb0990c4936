"""The Dummy node is known, refuses nothing, and is the core's to decide."""

from __future__ import annotations

from pathlib import Path

from arkwright.nodes.base import Work
from arkwright.nodes.dummy import Dummy
from arkwright.testing.node_harness import NodeHarness


def test_it_refuses_nothing_and_runs_nothing(tmp_path: Path) -> None:
    assert Dummy.type.work is Work.CONTROL
    assert Dummy().check(NodeHarness(Dummy(), tmp_path).context({"any": "thing"})) is None
