"""Calls about expressions: what a text with parameters and `#{…}` becomes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from arkwright.client.calls import Call, Document, document


def evaluate(
    text: str,
    *,
    job: str = "",
    instance_id: int | None = None,
    plan_time_ms: int | None = None,
    time_zone: str = "",
    parameters: Mapping[str, str] | None = None,
    environment: Mapping[str, str] | None = None,
    nodes: Mapping[str, Mapping[str, str]] | None = None,
    loop: Mapping[str, Any] | None = None,
    trace: bool = False,
) -> Call[Document]:
    """`value` and `type`, with `trace` also `steps`. `nodes`: per name its `status` and `output`.

    A text that can't be evaluated raises `ApiError` with the code of its mistake (`ARK.EL.…`).
    """
    body: dict[str, Any] = {"text": text}
    given = {
        "jobName": job,
        "instanceId": instance_id,
        "planTime": plan_time_ms,
        "timeZone": time_zone,
        "params": parameters,
        "env": environment,
        "nodes": nodes,
        "loop": loop,
        "trace": trace or None,
    }
    body |= {name: value for name, value in given.items() if value is not None and value not in ("", {})}
    return Call(method="POST", path="el/evaluate", body=body, read=document)
