"""For Each: runs another job once per row. The core decides it (`core/control`); here is what forms and checks need."""

from __future__ import annotations

from arkwright.core.control.dataset import DatasetWrong, read_dataset
from arkwright.core.control.reading import (
    CONCURRENCY,
    DATASET,
    PARAMETERS,
    SUFFIX,
    SettingWrong,
    job_name,
    parameters,
    setting,
)
from arkwright.core.job import Node
from arkwright.core.outcome import FailureKind
from arkwright.nodes.base import Category, Context, Failed, NodeType, Property, Work
from arkwright.nodes.subjob import JOB


class ForEach:
    type = NodeType(
        name="ForEach",
        title="For Each",
        work=Work.CONTROL,
        category=Category.CONTROL,
        icon="repeat",
        repeated="The runs it opened are found again; none is opened twice.",
        summary="Runs another batch job once per row of a dataset, several of them at a time.",
        properties=(
            JOB,
            Property(
                name=DATASET[0],
                help="The rows: [['1'],['2']], or #{Job.getNodeOutput('query')}. At most 1,000.",
                required=True,
            ),
            Property(name=CONCURRENCY[0], help="How many runs may be under way at a time.", default="1"),
            Property(
                name=PARAMETERS[0],
                help='What each run is given: a list of {"name", "value"}, or one name=value a line. '
                "#{Loop.current[0]} is the row's first value, #{Loop.offset} its number from 0, "
                "#{Loop.dataArray[0][1]} any value of the dataset. An empty value leaves the job its own.",
            ),
            Property(
                name=SUFFIX[0],
                help="What a run's instance is called after the node's name and an underscore.",
                default="the row's number",
            ),
        ),
        aliases=("For Each",),
        example={
            "name": "each_region",
            "type": "ForEach",
            "location": {"x": 0, "y": 0},
            "properties": [
                {"name": "jobName", "value": "load_region"},
                {"name": "dataset", "value": "[['eu'],['us']]"},
                {"name": "concurrency", "value": "2"},
                {"name": "params", "value": '[{"name": "region", "value": "#{Loop.current[0]}"}]'},
            ],
        },
    )

    def check(self, context: Context) -> Failed | None:
        node = Node(index=0, name=context.node_name, type="foreach", properties=context.properties)
        try:
            job_name(node)
            parameters(node)
            dataset = setting(node, DATASET)
            if not dataset:
                raise SettingWrong(f"The node {node.name!r} has no rows to go through: give the property {DATASET[0]}.")
            if "#{" not in dataset and "${" not in dataset:
                read_dataset(dataset)
        except (SettingWrong, DatasetWrong) as error:
            return Failed(kind=FailureKind.REFUSED, message=str(error))
        return None
