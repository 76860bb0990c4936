"""Subjob: the node runs another job once, and is as successful as that one."""

from __future__ import annotations

from arkwright.core.control.children import ChildRequest
from arkwright.core.control.reading import job_name, parameters
from arkwright.core.control.work import TextOf, Wanted, missing_of
from arkwright.core.job import Node
from arkwright.el import Missing


def wanted(node: Node, text_of: TextOf) -> Wanted | Missing:
    """Raises `SettingWrong` and `ElError`."""
    name = job_name(node)
    values = {each: text_of(text, None) for each, text in parameters(node).items()}
    missing = missing_of(values.values())
    if missing is not None:
        return missing
    given = {each: value for each, value in values.items() if isinstance(value, str)}
    return Wanted(job_name=name, concurrency=1, requests=(ChildRequest(row=0, name=name, parameters=given),))
