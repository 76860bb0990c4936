"""Branch: chooses what runs behind it. The core decides it (`core/control`); here is what forms and checks need."""

from __future__ import annotations

from arkwright.core.control.branch import BRANCHES, DEFAULT, EXPRESSION, MODE, MODES, read_branch
from arkwright.core.control.reading import SettingWrong
from arkwright.core.job import Node
from arkwright.core.outcome import FailureKind
from arkwright.nodes.base import Category, Context, Failed, NodeType, Property, Work


class Branch:
    type = NodeType(
        name="Branch",
        title="Branch",
        work=Work.CONTROL,
        category=Category.CONTROL,
        icon="git-branch",
        repeated="Decided in the commit that ends the node before it: it chooses once.",
        summary="Chooses which of the lines behind it are gone along; the nodes on the others are skipped.",
        properties=(
            Property(
                name=BRANCHES[0],
                help='The cases, a JSON list of {"condition": "#{…}", "nodes": ["a"]}; those nodes right '
                'behind run if the condition gives true. With {"value": "…", "nodes": […]} the expression must give '
                "that value.",
                required=True,
            ),
            Property(name=EXPRESSION[0], help="What the values of the cases are compared with, as texts."),
            Property(name=DEFAULT[0], help="The nodes right behind that run if no case holds, by commas."),
            Property(
                name=MODE[0], help="Whether every case that holds counts, or the first.", default="ALL", choices=MODES
            ),
        ),
        example={
            "name": "which_way",
            "type": "Branch",
            "location": {"x": 0, "y": 0},
            "properties": [
                {"name": "expression", "value": '#{Job.getPlanTime("u")}'},
                {"name": "branches", "value": '[{"value": "1", "nodes": ["monday"]}]'},
                {"name": "default", "value": "other_days"},
            ],
        },
    )

    def check(self, context: Context) -> Failed | None:
        try:
            read_branch(Node(index=0, name=context.node_name, type="branch", properties=context.properties))
        except SettingWrong as error:
            return Failed(kind=FailureKind.REFUSED, message=str(error))
        return None
