"""DLIFlinkJob: starts a stream on a Flink cluster, or sees to it that one runs (rules: `flink_job`)."""

from __future__ import annotations

from arkwright.nodes.base import Property
from arkwright.nodes.flink_job import BATCH, STREAM, FlinkNode, flink_type


class DliFlinkJob(FlinkNode):
    type = flink_type(
        "DLIFlinkJob",
        "DLI Flink Job",
        "Starts a stream from a jar on a Flink cluster, if it doesn't run; or asks whether a job of a name does.",
        ("DLI Flink Job", "DliFlink"),
        Property(
            name="jobType",
            help="Flink JAR; existing: nothing is started, a job of that jobName has to run. Scripts of Flink SQL are "
            "refused.",
            default="Flink JAR",
        ),
        Property(
            name="processType",
            help="stream: start it if it doesn't run, and leave it running. batch: wait for the end.",
            default=STREAM,
            choices=(STREAM, BATCH),
        ),
    )
    default_mode = STREAM
