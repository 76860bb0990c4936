"""CDMJob: runs a CDM job by its own JSON, without a CDM cluster.

The JSON is in the node, in a file, or stored under the job's name: `cdm/<jobName>.json` among the workspace's files, as
the cloud exports it. Its links are connections of the same names, unless the node names others.
"""

from __future__ import annotations

from typing import Any

from arkwright.core.outcome import FailureKind
from arkwright.nodes.base import Category, Context, Failed, NodeType, Property, Work
from arkwright.nodes.migration import CONNECTIONS, REPEATED, SERVER, MigrationNode
from arkwright.nodes.migration_plan import LOCAL, Plan, PlanWrong

FOLDER = "cdm"
_TEXTS = ("jobJson", "jobBody", "cdmJobJson", "requestBody", "body")


class CdmJob(MigrationNode):
    type = NodeType(
        name="CDMJob",
        title="CDM Job",
        work=Work.HOSTED,
        category=Category.MOVEMENT,
        icon="transfer-in",
        summary="Runs a table or file migration as its CDM job's JSON describes it.",
        aliases=("CDM Job",),
        connections=CONNECTIONS,
        server=SERVER,
        repeated=REPEATED,
        properties=(
            Property(name="clusterName", help="The cloud's cluster; nothing of it is needed here."),
            Property(name="jobName", help=f"The CDM job: {FOLDER}/<jobName>.json among the workspace's files."),
            Property(name="jobType", help="The cloud's: existing or new job; which it is follows from the others."),
            Property(name="jobJson", help="The CDM job's JSON itself, in the place of a stored one."),
            Property(name="jobPath", help="A file that holds it: of the workspace, or obs://…."),
            Property(name="sourceConnectionName", help="A connection in the place of the job's from-link-name."),
            Property(name="targetConnectionName", help="A connection in the place of the job's to-link-name."),
            Property(name="timeZone", help="Of the job's macros of dates.", default="UTC"),
        ),
        example={
            "name": "load",
            "type": "CDMJob",
            "location": {"x": 0, "y": 0},
            "properties": [{"name": "clusterName", "value": "cdm"}, {"name": "jobName", "value": "orders_to_dws"}],
        },
    )

    def check(self, context: Context) -> Failed | None:
        """What is said in the node itself; a stored job is looked at when it runs."""
        try:
            text = _text(context)
            if text:
                self._plan(context, text)
            elif not _path(context):
                raise PlanWrong("jobName is missing, and so are jobJson and jobPath: one of them says what to run.")
        except PlanWrong as error:
            return Failed(kind=FailureKind.REFUSED, message=str(error))
        return None

    def connection_names(self, context: Context) -> tuple[str, ...]:
        from arkwright.nodes.migration_cdm import MOST_BYTES
        from arkwright.nodes.migration_files import own_file

        text, path = _text(context), _path(context)
        if not text and path.startswith("obs://"):  # only its host may read it
            own = (context.properties.get(f"{side}ConnectionName", "").strip() for side in ("source", "target"))
            return tuple(dict.fromkeys(name for name in own if name and name.lower() != LOCAL))
        if not text:
            try:
                with own_file(context.workspace_folder, path).open("rb") as file:
                    text = file.read(MOST_BYTES + 1).decode(errors="replace")
            except OSError:
                raise PlanWrong(_missing(path)) from None
        return self._plan(context, text).connections

    def is_local(self, context: Context) -> bool:
        """By what the node itself says: no file may be read here."""
        named = (context.properties.get(f"{side}ConnectionName", "").strip().lower() for side in ("source", "target"))
        if LOCAL in named:
            return True
        text = _text(context)
        try:
            return bool(text) and self._plan(context, text).is_local
        except PlanWrong:  # told when it runs
            return False

    async def plan(self, context: Context, files: Any) -> Plan:
        from arkwright.nodes.migration_cdm import MOST_BYTES

        text = _text(context)
        if not text:
            path = _path(context)
            try:
                text = await files.text(path, MOST_BYTES)
            except PlanWrong as error:
                raise PlanWrong(f"{_missing(path)} ({error})") from None
        plan = self._plan(context, text)
        if plan.is_local and not self.is_local(context):
            side = "source" if plan.source.is_local else "target"
            raise PlanWrong(
                f"The {side} is the workspace's own database (dli-connector). Say so in the node, too: set "
                f"{side}ConnectionName to {LOCAL}."
            )
        return plan

    def _plan(self, context: Context, text: str) -> Plan:
        from arkwright.nodes.migration_cdm import plan_of_job, read_job

        given = context.properties
        return plan_of_job(
            read_job(text, given.get("jobName", "").strip()),
            source_connection=given.get("sourceConnectionName", "").strip(),
            target_connection=given.get("targetConnectionName", "").strip(),
            when_ms=context.plan_time_ms,
            zone=given.get("timeZone", "").strip() or "UTC",
            parameters=context.parameters,
        )


def _text(context: Context) -> str:
    """The JSON in the node."""
    return next((text for name in _TEXTS if (text := context.properties.get(name, "").strip())), "")


def _path(context: Context) -> str:
    path = context.properties.get("jobPath", "").strip()
    name = context.properties.get("jobName", "").strip()
    return path or (f"{FOLDER}/{name}.json" if name else "")


def _missing(path: str) -> str:
    return f"The CDM job's definition {path} is not there: export the job's JSON from CDM and put it into that file."
