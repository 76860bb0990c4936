"""What a workspace decides about its instances beside their jobs. An instance keeps what held when it was made."""

from __future__ import annotations

from enum import StrEnum

from arkwright.core.record import Record


class SkipPolicy(StrEnum):
    """What a condition that doesn't hold skips."""

    ALL = "ALL"
    """The node and everything after it."""
    NEXT = "NEXT"
    """The node alone: what comes after it runs."""


class Rules(Record, frozen=True, kw_only=True):
    skip_policy: SkipPolicy = SkipPolicy.ALL
    """Of lines that don't say it themselves."""
    variable_prefix: str = ""
    """`dlf.`: a parameter is `${dlf.name}`, and any other `${…}` is left alone."""
    simple_variables: bool = False
    """Whether `${yyyymmdd-1}`, `$[hh24-1/24]`, `$instance_id` are replaced (`el/simple_variables.py`)."""
    node_limit: bool = False
    """The workspace limits how many nodes run at once: each needs a slot."""
    timeout_without_waiting: bool = False
    """Whether the time limit of an instance begins when it starts, and not when it is made."""
