"""A CDM job's own JSON as a plan: what it says is honoured, or refused by its name.

Settings of three sorts: those that are taken; those that change nothing here, however they are set (how many
extractors, groups, schedules of the CDM's own), which the log lists where they are set; and all others, which may only
hold what comes to the same as leaving them out. Nothing is passed over in silence.

Macros of dates (`${dateformat(yyyy-MM-dd,-1,DAY)}`, `${timestamp(…)}`) go by the instance's plan time, as there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote

import msgspec

from arkwright.nodes.migration_macros import expanded
from arkwright.nodes.migration_plan import CSV, JSONL, LOCAL, Format, Making, Mode, Place, Plan, PlanWrong, checked

MOST_BYTES = 1024 * 1024
"""As there."""
JDBC, OBS, DLI = "generic-jdbc-connector", "obs-connector", "dli-connector"
_DATABASES = frozenset(
    {
        JDBC,
        "mysql-connector",
        "postgresql-connector",
        "rds-mysql-connector",
        "rds-postgresql-connector",
        "dws-connector",
    }
)
_NOTHING = frozenset({"", "false", "none", "null", "default"})

_ANYHOW = frozenset(
    {
        "throttlingConfig.numExtractors",
        "throttlingConfig.numLoaders",
        "throttlingConfig.submitToCluster",
        "throttlingConfig.concurrentSubJobs",
        "throttlingConfig.retryTimes",
        "throttlingConfig.writeToLink",
        "groupJobConfig.groupName",
        "fromJobConfig.partitionColumn",
        "fromJobConfig.splitType",
        "fromJobConfig.usePartition",
        "fromJobConfig.allowNullValueInPartitionColumn",
        "toJobConfig.useStageTable",
        "toJobConfig.orientation",
        "toJobConfig.isCompress",
        "toJobConfig.useNullable",
        "toJobConfig.queue",
        "fromJobConfig.queue",
        "toJobConfig.writeToTempFile",
        "toJobConfig.projectID",
    }
)
"""These speak of how it is done, or of what only a DWS cluster can do, not of which rows come."""
_RETRIES = {"": 1, "NONE": 1, "RETRY_TRIPLE": 4, "ALL": 4}
_TOLD_OF = frozenset(
    {
        *("id", "name", "job_type", "status", "enabled", "group_name", "flag", "type", "is_use_sql", "external_id"),
        *("creation-user", "creation-date", "update-user", "update-date", "from-link-id", "to-link-id"),
        *("from-connector-name", "to-connector-name", "from-link-name", "to-link-name", "from-connector-id"),
        *("from-config-values", "to-config-values", "driver-config-values", "to-connector-id", "node-name"),
        *("rows_read", "rows_written", "write_rows", "update_rows", "delete_rows", "bytes_read", "bytes_written"),
        *("files_read", "files_written", "execute_start_date", "execute_create_date", "execute_update_date"),
        *("is_incre_job", "is_incrementing", "last_status", "progress", "error-summary", "error-details"),
    }
)
"""Fields of the job itself: what is read elsewhere here, and what only tells of its life."""
_ANYHOW_GROUPS = ("schedulerConfig.",)


class _Inputs:
    """The settings of one part of the job; each is taken once, and what is left over is looked at in the end."""

    def __init__(self, part: Any, name: str) -> None:
        self._values: dict[str, str] = {}
        self.passed: list[str] = []
        """Settings that are set and have no effect here."""
        extended = part.get("extended-configs") if isinstance(part, dict) else None
        if extended and (not isinstance(extended, dict) or extended.get("value") not in (None, "", "e30=")):
            raise PlanWrong(f"{name}.extended-configs of the CDM job can't be honoured here: take them out.")
        configs = part.get("configs") if isinstance(part, dict) else None
        for config in configs if isinstance(configs, list) else []:
            inputs = config.get("inputs") if isinstance(config, dict) else None
            for each in inputs if isinstance(inputs, list) else []:
                if not isinstance(each, dict) or not isinstance(each.get("name"), str):
                    raise PlanWrong(f"{name}: an input has no name.")
                value = each.get("value")
                text = "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
                self._values[each["name"]] = text

    def take(self, name: str, default: str = "") -> str:
        return self._values.pop(name, "") or default

    def need(self, name: str) -> str:
        value = self.take(name).strip()
        if not value:
            raise PlanWrong(f"{name} is missing in the CDM job.")
        return value

    def flag(self, name: str, *, default: bool = False) -> bool:
        word = self.take(name).strip().lower()
        return default if not word else word in ("true", "yes", "1")

    def end(self) -> None:
        for name, value in self._values.items():
            if value.strip().lower() in _NOTHING:
                continue
            if name in _ANYHOW or name.startswith(_ANYHOW_GROUPS):
                self.passed.append(f"{name} = {value}")
                continue
            raise PlanWrong(f"{name} = {value!r} of the CDM job can't be honoured here; take it out, or set it off.")


def read_job(text: str, name: str = "") -> Mapping[str, Any]:
    """The JSON is a single job, or the cloud's `{"jobs": […]}`; of several, it is the one of the name."""
    try:
        found = msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        raise PlanWrong(f"The CDM job is no JSON: {error}.") from None
    jobs = found.get("jobs", [found]) if isinstance(found, dict) else found
    if not isinstance(jobs, list) or not all(isinstance(each, dict) for each in jobs) or not jobs:
        raise PlanWrong("The CDM job's JSON is no object with its settings, nor a list of such under jobs.")
    named = [each for each in jobs if each.get("name") == name] if name and len(jobs) > 1 else jobs
    if len(named) != 1:
        raise PlanWrong(f"The JSON holds {len(jobs)} CDM jobs, and {len(named)} of the name {name!r}; one is run.")
    job: Mapping[str, Any] = named[0]
    return job


def plan_of_job(
    job: Mapping[str, Any],
    *,
    source_connection: str = "",
    target_connection: str = "",
    when_ms: int,
    zone: str = "UTC",
    parameters: Mapping[str, str] | None = None,
) -> Plan:
    """Raises `PlanWrong`. `source_connection` and `target_connection` stand in the place of the job's links."""
    kind = job.get("job_type") or "NORMAL_JOB"
    if kind != "NORMAL_JOB":
        raise PlanWrong(f"job_type {kind} is not run here; a table or files at a time (NORMAL_JOB) is.")
    job = expanded(job, when_ms, zone, parameters or {})
    given = _Inputs(job.get("from-config-values"), "from-config-values")
    to = _Inputs(job.get("to-config-values"), "to-config-values")
    driver = _Inputs(job.get("driver-config-values"), "driver-config-values")
    source, columns_from = _source(job, given, source_connection)
    target, columns_to, more = _target(job, to, target_connection, source)
    recorded = driver.flag("throttlingConfig.recordDirtyData")
    bucket, folder = driver.take("throttlingConfig.obsBucket"), driver.take("throttlingConfig.dirtyDataDirectory")
    most = driver.take("throttlingConfig.maxErrorRecords", "0")
    if to.flag("toJobConfig.extendCharLength"):
        more["length_factor"] = 3
    retries = driver.take("retryJobConfig.retryJobType")
    if retries.upper() not in _RETRIES:
        raise PlanWrong(f"retryJobConfig.retryJobType {retries!r} is not known; there are NONE and RETRY_TRIPLE.")
    more["tries"] = _RETRIES[retries.upper()]
    for each in (given, to, driver):
        each.end()
    passed = [*given.passed, *to.passed, *driver.passed, *_strange(job)]
    notes = (f"has no effect here: {', '.join(passed)}",) if passed else ()
    refused = ""
    if recorded and bucket:
        refused = f"obs://{bucket}/{folder.strip('/')}/{job.get('name') or 'job'}-{when_ms}.jsonl".replace(
            "//job", "/job"
        )
    return checked(
        Plan(
            source=source,
            target=target,
            columns=tuple(_pairs(columns_from, columns_to)),
            most_refused=int(most) if recorded and most.isdigit() else 0,
            refused_path=refused,
            notes=notes,
            **more,
        )
    )


def _strange(job: Mapping[str, Any]) -> Iterator[str]:
    """Fields of the job that nobody has told of. One that might change rows is refused."""
    for name, value in job.items():
        if name in _TOLD_OF or value in (None, "", [], {}, False):
            continue
        if any(word in name.lower() for word in ("transform", "convert", "extended", "filter", "mapping")):
            raise PlanWrong(f"{name} of the CDM job can't be honoured here; take it out.")
        yield name


def _source(job: Mapping[str, Any], given: _Inputs, connection: str) -> tuple[Place, list[str]]:
    connector = str(job.get("from-connector-name") or "")
    columns = _names(given.take("fromJobConfig.columnList"))
    if connector in _DATABASES:
        query = given.take("fromJobConfig.sql") if given.flag("fromJobConfig.useSql") else ""
        schema, table = given.take("fromJobConfig.schemaName"), given.take("fromJobConfig.tableName")
        for name, value in (("schemaName", schema), ("tableName", table)):
            if "*" in value and not query:
                raise PlanWrong(f"fromJobConfig.{name} {value!r} is a pattern; one table at a time is moved here.")
        given.take("fromJobConfig.sql")
        place = Place(
            connection=connection or _link(job, "from-link-name"),
            schema="" if query else schema,
            table="" if query else table,
            query=query,
            where=given.take("fromJobConfig.whereClause"),
        )
        return place, columns
    if connector == DLI:
        schema, table = _main(given.take("fromJobConfig.database")), given.need("fromJobConfig.table")
        where = given.take("fromJobConfig.whereClause")
        return Place(connection=connection or LOCAL, schema=schema, table=table, where=where), columns
    if connector != OBS:
        raise PlanWrong(f"from-connector-name {connector!r} is not known here; there are {JDBC}, {DLI} and {OBS}.")
    paths = given.take("fromJobConfig.inputDirectory")
    separator = given.take("fromJobConfig.fileSeparator", "|")
    if separator in paths:
        raise PlanWrong(
            "fromJobConfig.inputDirectory names several paths; name a folder with a fileFilter, or one file."
        )
    path = f"obs://{given.need('fromJobConfig.bucketName')}/{paths.lstrip('/')}"
    if given.take("fromJobConfig.filterType").upper() == "WILDCARD":
        pattern = given.take("fromJobConfig.fileFilter").strip()
        if "," in pattern:
            raise PlanWrong(f"fromJobConfig.fileFilter {pattern!r}: one pattern can be honoured.")
        path = f"{path.rstrip('/')}/{pattern}" if pattern else path
    return Place(path=path, format=_format(given, "from", path)), columns


def _target(
    job: Mapping[str, Any], to: _Inputs, connection: str, source: Place
) -> tuple[Place, list[str], dict[str, Any]]:
    connector = str(job.get("to-connector-name") or "")
    columns = _names(to.take("toJobConfig.columnList"))
    more: dict[str, Any] = {}
    if connector in _DATABASES:
        before = to.take("toJobConfig.beforeImportType", "none")
        where = to.take("toJobConfig.whereClause")
        if to.flag("toJobConfig.shouldClearTable") or before.lower() == "shouldcleartable":
            more["mode"] = Mode.REPLACE
        elif before.lower() == "whereclause":
            if not where:
                raise PlanWrong("toJobConfig.beforeImportType is whereClause, and toJobConfig.whereClause is missing.")
            more["cleared"] = where
        elif before.lower() != "none":
            raise PlanWrong(f"toJobConfig.beforeImportType {before!r} is not known.")
        preparation = to.take("toJobConfig.tablePreparation", "DO_NOTHING")
        making = {
            "DO_NOTHING": Making.NEVER,
            "CREATE_WHEN_NOT_EXIST": Making.MISSING,
            "DROP_AND_CREATE": Making.RECREATE,
        }.get(preparation)
        if making is None:
            raise PlanWrong(f"toJobConfig.tablePreparation {preparation!r} is not known.")
        more["making"] = making
        return (
            Place(
                connection=connection or _link(job, "to-link-name"),
                schema=to.take("toJobConfig.schemaName"),
                table=to.need("toJobConfig.tableName"),
            ),
            columns,
            more,
        )
    if connector == DLI:
        more["making"] = Making.NEVER
        if to.flag("toJobConfig.shouldClearTable"):
            more["mode"] = Mode.REPLACE
        schema, table = _main(to.take("toJobConfig.database")), to.need("toJobConfig.table")
        return Place(connection=connection or LOCAL, schema=schema, table=table), columns, more
    if connector != OBS:
        raise PlanWrong(f"to-connector-name {connector!r} is not known here; there are {JDBC}, {DLI} and {OBS}.")
    duplicate = to.take("toJobConfig.duplicateFileOpType", "REPLACE")
    if duplicate.upper() != "REPLACE":
        raise PlanWrong(f"toJobConfig.duplicateFileOpType {duplicate} can't be honoured here; REPLACE can.")
    folder = f"obs://{to.need('toJobConfig.bucketName')}/{to.take('toJobConfig.outputDirectory').strip('/')}".rstrip(
        "/"
    )
    prefix = to.take("toJobConfig.filePrefix").replace("${tableName}", source.table)
    form = _format(to, "to", folder)
    marker = to.take("toJobConfig.markerFile")
    if marker:
        more["marker"] = f"{folder}/{marker}"
    name = prefix or source.table or str(job.get("name") or "data")
    return Place(path=f"{folder}/{name}.{'csv' if form.kind == CSV else form.kind}", format=form), columns, more


def _format(given: _Inputs, side: str, path: str) -> Format:
    def take(name: str, default: str = "") -> str:
        return given.take(f"{side}JobConfig.{name}", default)

    word = take("inputFormat" if side == "from" else "outputFormat")
    kinds = {"CSV_FILE": CSV, "JSON_FILE": JSONL}
    if word not in kinds:
        way = " Files as they are go with an OBS Manager node." if word == "BINARY_FILE" else ""
        raise PlanWrong(f"The format {word!r} of {path} can't be read or written here.{way}")
    packed = take("fromCompression", "NONE") if side == "from" else "NONE"
    if packed.upper() not in ("NONE", "GZIP"):
        raise PlanWrong(f"fromJobConfig.fromCompression {packed} can't be honoured here; GZIP can.")
    end = unquote(take("lineSeparator")).replace("\\r", "\r").replace("\\n", "\n")
    if end not in ("", "\n", "\r\n"):
        raise PlanWrong(f"{side}JobConfig.lineSeparator {end!r} can't be honoured here; \\n and \\r\\n can.")
    return Format(
        kind=kinds[word],
        delimiter=unquote(take("fieldSeparator", ",")).replace("\\t", "\t"),
        header=given.flag(f"{side}JobConfig.firstRowAsHeader"),
        quoted=given.flag(f"{side}JobConfig.quoteChar", default=side == "to"),
        encoding=take("encodeType", "UTF_8").replace("_", "-"),
        line_end=end or "\r\n",
        gzip=packed.upper() == "GZIP",
    )


def _pairs(source: list[str], target: list[str]) -> Iterator[tuple[str, str]]:
    if source and target and len(source) != len(target):
        raise PlanWrong(f"The source's columnList has {len(source)} columns, and the target's {len(target)}.")
    if target and not source:
        source = target
    yield from zip(source, target or source, strict=True)


def _main(database: str) -> str:
    """A DLI database as a schema of the workspace's own one."""
    return "" if database.strip().lower() in ("", "default", "main") else database.strip()


def _names(text: str) -> list[str]:
    """`id&name`; what stands behind a colon is a type, which is known here."""
    return [name.partition(":")[0].strip() for name in text.split("&") if name.strip()]


def _link(job: Mapping[str, Any], field: str) -> str:
    name = str(job.get(field) or "").strip()
    if not name:
        side = "source" if field.startswith("from") else "target"
        raise PlanWrong(f"{field} is missing in the CDM job, and {side}ConnectionName is not set.")
    return name
