"""In which order the files of tests are handed out to the processes that run them: what takes long comes first, so that
at the end no process is alone with it. Figures need not be exact; a file that is not named here takes little time.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent
FIRST = ("e2e", "chaos", "nodes", "engine", "cli", "api", "executors", "worker", "events", "docs", "store", "scheduler")
"""Folders."""


@functools.cache
def place(path: Path) -> int:
    """Less comes earlier."""
    folder = path.relative_to(TESTS).parts[0] if path.is_relative_to(TESTS) else ""
    return FIRST.index(folder) if folder in FIRST else len(FIRST)


def ordered(items: Sequence[pytest.Item]) -> list[pytest.Item]:
    """What is in one file stays together, as it was."""
    return sorted(items, key=lambda item: place(item.path))
