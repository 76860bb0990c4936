"""Nodes that the core decides by itself: no executor, no program.

A Dummy costs a row. Assignment, Branch and Merge decide what later nodes are given and which of them run. Subjob and
For Each run other jobs: each of their runs is an instance of its own (`running`).
"""

from __future__ import annotations

from arkwright.core.job import Node

ASSIGNMENT, BRANCH, MERGE = "assignment", "branch", "merge"

CONTROL_TYPES = frozenset({"dummy", ASSIGNMENT, BRANCH, MERGE})
"""Canonical type names of nodes that are over as soon as they are decided."""

PARENT_TYPES = frozenset({"subjob", "foreach"})
"""Canonical type names of nodes that run other jobs."""


def is_control(node: Node) -> bool:
    return node.type in CONTROL_TYPES


def is_parent(node: Node) -> bool:
    """Whether the node's work is to run instances of another job."""
    return node.type in PARENT_TYPES
