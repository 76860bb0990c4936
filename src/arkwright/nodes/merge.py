"""Merge: joins whatever came. The core decides it (`core/control`); here is what forms and checks need to know."""

from __future__ import annotations

from arkwright.core.control.merge import DEFAULT_STATES, LEAST, STATES, read_states
from arkwright.core.control.reading import SettingWrong
from arkwright.core.job import Node
from arkwright.core.outcome import FailureKind
from arkwright.nodes.base import Category, Context, Failed, NodeType, Property, Work


class Merge:
    type = NodeType(
        name="Merge",
        title="Merge",
        work=Work.CONTROL,
        category=Category.CONTROL,
        icon="git-merge",
        repeated="Decided in the commit that ends the last node before it.",
        summary="Joins lines whichever of them were gone along, and says how many must have been, and how they ended.",
        properties=(
            Property(
                name=STATES[0],
                help="Which ends of the lines to it count: success, fail (a failure that is ignored), skip.",
                default=DEFAULT_STATES,
            ),
            Property(name=LEAST[0], help="How many lines must have ended so: a number, or all.", default="1"),
        ),
        example={
            "name": "either_way",
            "type": "Merge",
            "location": {"x": 0, "y": 0},
            "properties": [{"name": "states", "value": "success"}],
        },
    )

    def check(self, context: Context) -> Failed | None:
        try:
            read_states(Node(index=0, name=context.node_name, type="merge", properties=context.properties))
        except SettingWrong as error:
            return Failed(kind=FailureKind.REFUSED, message=str(error))
        return None
