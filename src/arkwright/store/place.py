"""Where things are, and a slice of a list of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Every key carries project and workspace."""

    project_id: str
    workspace_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[T]):
    """A slice of a list, and how long the whole list is."""

    total: int
    items: Sequence[T]
