"""How much is tried: a share of it in `make test`, all of it in `make test-long`."""

from __future__ import annotations

import os
from typing import Any

import pytest

ALL = os.environ.get("ARKWRIGHT_TEST_EXAMPLES", "") == "all"


def some(count: int) -> int:
    """So many examples of a property: a quarter, or all where all are asked for. Hypothesis finds what is wrong almost
    always with the first dozens; the rest is for what is rare."""
    return count if ALL else max(1, count // 4)


def seldom(*values: Any) -> list[Any]:
    """Values of a parameter that are tried by the long tests only."""
    return [pytest.param(each, marks=pytest.mark.long) for each in values]
