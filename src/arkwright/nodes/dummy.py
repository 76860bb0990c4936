"""Dummy: does nothing and succeeds; it joins or splits lines. The core decides it."""

from __future__ import annotations

from arkwright.nodes.base import Category, Context, Failed, NodeType, Work


class Dummy:
    type = NodeType(
        name="Dummy",
        title="Dummy",
        work=Work.CONTROL,
        category=Category.CONTROL,
        icon="circle-dashed",
        repeated="Does nothing, so it is repeated freely.",
        summary="Does nothing and succeeds; use it to join or to split lines.",
        example={"name": "start", "type": "Dummy", "location": {"x": 0, "y": 0}, "properties": []},
    )

    def check(self, context: Context) -> Failed | None:
        return None
