"""Assignment: gives a value to later nodes. The core decides it (`core/control`); here is what forms need."""

from __future__ import annotations

from arkwright.core.control.assignment import SOURCE_NODE, VALUE, variable_name
from arkwright.core.control.reading import ASSIGNED_NAME, SettingWrong
from arkwright.core.job import Node
from arkwright.core.outcome import FailureKind
from arkwright.nodes.base import Category, Context, Failed, NodeType, Property, Work


class Assignment:
    type = NodeType(
        name="Assignment",
        title="Assignment",
        work=Work.CONTROL,
        category=Category.CONTROL,
        icon="variable",
        repeated="Decided in the commit that ends the node before it: it is worked out once.",
        summary="Gives a value to the nodes after it: a constant, an expression, or what the node before it put out.",
        properties=(
            Property(
                name=VALUE[0],
                help='The value: a text, ${parameter}, #{JSONUtil.path(Job.getNodeOutput("query"), "[0][0]")}. Empty: '
                "the output of the node before.",
            ),
            Property(
                name=ASSIGNED_NAME[0],
                help="Under which name later nodes find it, as ${name}; they find it as "
                '#{Job.getNodeOutput("<this node>")} in any case.',
            ),
            Property(
                name=SOURCE_NODE[0],
                help="Without a value, and with several nodes before it: whose output it takes.",
            ),
        ),
        example={
            "name": "set_region",
            "type": "Assignment",
            "location": {"x": 0, "y": 0},
            "properties": [
                {"name": "name", "value": "region"},
                {"name": "value", "value": 'eu-#{Job.getPlanTime("yyyy")}'},
            ],
        },
    )

    def check(self, context: Context) -> Failed | None:
        try:
            variable_name(Node(index=0, name=context.node_name, type="assignment", properties=context.properties))
        except SettingWrong as error:
            return Failed(kind=FailureKind.REFUSED, message=str(error))
        return None
