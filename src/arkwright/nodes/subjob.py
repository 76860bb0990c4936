"""Subjob: runs another job once. The core decides it (`core/control`); here is what forms and checks need to know."""

from __future__ import annotations

from arkwright.core.control.reading import JOB_NAME, PARAMETERS, SettingWrong, job_name, parameters
from arkwright.core.job import Node
from arkwright.core.outcome import FailureKind
from arkwright.nodes.base import Category, Context, Failed, NodeType, Property, Work

JOB = Property(
    name=JOB_NAME[0],
    help="The job to run: its submitted version, as it is when the instance begins. A fixed name.",
    required=True,
)


class Subjob:
    type = NodeType(
        name="Subjob",
        title="Subjob",
        work=Work.CONTROL,
        category=Category.CONTROL,
        icon="subtask",
        repeated="The run it opened is found again; it is never opened twice.",
        summary="Runs another batch job once, as an instance of its own, and is as successful as that one.",
        properties=(
            JOB,
            Property(
                name=PARAMETERS[0],
                help='What the job is given: a list of {"name", "value"}, or one name=value a line. '
                "An empty value leaves the job its own.",
            ),
        ),
        aliases=("Sub Job",),
        example={
            "name": "load",
            "type": "Subjob",
            "location": {"x": 0, "y": 0},
            "properties": [
                {"name": "jobName", "value": "load_day"},
                {"name": "params", "value": '[{"name": "day", "value": "#{Job.getPlanTime(\\"yyyy-MM-dd\\")}"}]'},
            ],
        },
    )

    def check(self, context: Context) -> Failed | None:
        node = Node(index=0, name=context.node_name, type="subjob", properties=context.properties)
        try:
            job_name(node)
            parameters(node)
        except SettingWrong as error:
            return Failed(kind=FailureKind.REFUSED, message=str(error))
        return None
