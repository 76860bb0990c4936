"""Nodes that the core decides by itself: no executor, no program.

A Dummy costs a row. Subjob and For Each run other jobs: each of their runs is an instance of its own (`running`).
"""

from __future__ import annotations

from arkwright.core.job import Node

CONTROL_TYPES = frozenset({"dummy"})
"""Canonical type names of nodes that succeed at once."""

PARENT_TYPES = frozenset({"subjob", "foreach"})
"""Canonical type names of nodes that run other jobs."""


def is_control(node: Node) -> bool:
    return node.type in CONTROL_TYPES


def is_parent(node: Node) -> bool:
    """Whether the node's work is to run instances of another job."""
    return node.type in PARENT_TYPES
