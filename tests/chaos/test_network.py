"""The hosts that the chaos is made on: what is cut is cut, and what is healed is healed."""

from __future__ import annotations

import subprocess

import pytest
from tests.chaos.network import Host, missing, network

WHY_NOT = missing()
pytestmark = pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT)


def _reaches(one: Host, address: str) -> bool:
    ask = (
        "import socket, sys\n"
        "try: socket.create_connection((sys.argv[1], 9), 0.3)\n"
        "except ConnectionRefusedError: sys.exit(0)\n"
        "except TimeoutError: sys.exit(1)"
    )
    return subprocess.run(one.command("python3", "-c", ask, address), timeout=20, check=False).returncode == 0


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
