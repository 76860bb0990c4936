"""Nodes that the core decides by itself: no executor, no attempt, no cost but a row."""

from __future__ import annotations

from arkwright.core.job import Node

CONTROL_TYPES = frozenset({"dummy"})
"""Canonical type names."""


def is_control(node: Node) -> bool:
    return node.type in CONTROL_TYPES
