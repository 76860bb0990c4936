"""The hosts that the chaos is made on: what is cut is cut, and what is healed is healed."""

from __future__ import annotations

import subprocess

import pytest
from tests.chaos.network import Host, missing, network

WHY_NOT = missing()
pytestmark = pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT)


def _reaches(one: Host, address: str) -> bool:
    """Whether anything comes back, be it a refusal."""
    ask = one.command("timeout", "1", "bash", "-c", f"</dev/tcp/{address}/9")
    return subprocess.run(ask, stderr=subprocess.DEVNULL, timeout=20, check=False).returncode != 124


def test_a_cut_line_is_silent_and_a_healed_one_speaks() -> None:
    with network() as made:
        one, other, third = (made.add(name) for name in ("one", "other", "third"))
        assert _reaches(one, other.address)
        made.cut(one, other)
        assert not _reaches(one, other.address)
        assert not _reaches(other, one.address)
        assert _reaches(third, one.address)
        made.heal()
        assert _reaches(one, other.address)
        made.slow(one)
        assert _reaches(one, other.address)
        made.fast(one)
        named = subprocess.run(one.command("hostname"), capture_output=True, text=True, timeout=20, check=True)
        assert named.stdout.strip() == "one"
