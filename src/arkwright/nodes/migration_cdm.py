"""A CDM job's own JSON as a plan: what it says is honoured, or refused by its name.

Settings of three sorts: those that are taken; those that change nothing here, however they are set (how many
extractors, groups, schedules of the CDM's own); and all others, which may only hold what comes to the same as leaving
them out.

Macros of dates (`${dateformat(yyyy-MM-dd,-1,DAY)}`, `${timestamp(…)}`) go by the instance's plan time, as there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote

import msgspec

from arkwright.el.errors import ElError
from arkwright.el.functions.date_util import add_days, add_months
from arkwright.el.java_date_parse import parse_date
from arkwright.el.java_dates import format_date
from arkwright.el.java_zones import Zone, find_zone
from arkwright.nodes.migration_plan import CSV, JSONL, Format, Making, Mode, Place, Plan, PlanWrong, checked

MOST_BYTES = 1024 * 1024
"""As there."""
JDBC, OBS = "generic-jdbc-connector", "obs-connector"
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
        "retryJobConfig.retryJobType",
        "fromJobConfig.partitionColumn",
        "fromJobConfig.splitType",
        "fromJobConfig.usePartition",
        "fromJobConfig.allowNullValueInPartitionColumn",
        "toJobConfig.useStageTable",
        "toJobConfig.orientation",
        "toJobConfig.isCompress",
        "toJobConfig.extendCharLength",
        "toJobConfig.useNullable",
        "toJobConfig.writeToTempFile",
        "toJobConfig.projectID",
    }
)
"""These speak of how it is done, not of what comes out."""
_ANYHOW_GROUPS = ("schedulerConfig.",)


class _Inputs:
    """The settings of one part of the job; each is taken once, and what is left over is looked at in the end."""

    def __init__(self, part: Any, name: str) -> None:
        self._values: dict[str, str] = {}
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
            if name in _ANYHOW or name.startswith(_ANYHOW_GROUPS) or value.strip().lower() in _NOTHING:
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
    job = _expanded(job, when_ms, zone, parameters or {})
    given = _Inputs(job.get("from-config-values"), "from-config-values")
    to = _Inputs(job.get("to-config-values"), "to-config-values")
    driver = _Inputs(job.get("driver-config-values"), "driver-config-values")
    source, columns_from = _source(job, given, source_connection)
    target, columns_to, more = _target(job, to, target_connection, source)
    recorded = driver.flag("throttlingConfig.recordDirtyData")
    bucket, folder = driver.take("throttlingConfig.obsBucket"), driver.take("throttlingConfig.dirtyDataDirectory")
    most = driver.take("throttlingConfig.maxErrorRecords", "0")
    for each in (given, to, driver):
        each.end()
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
            **more,
        )
    )


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
    if connector != OBS:
        raise PlanWrong(f"from-connector-name {connector!r} is not known here; there are {JDBC} and {OBS}.")
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
    if connector != OBS:
        raise PlanWrong(f"to-connector-name {connector!r} is not known here; there are {JDBC} and {OBS}.")
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


def _names(text: str) -> list[str]:
    """`id&name`; what stands behind a colon is a type, which is known here."""
    return [name.partition(":")[0].strip() for name in text.split("&") if name.strip()]


def _link(job: Mapping[str, Any], field: str) -> str:
    name = str(job.get(field) or "").strip()
    if not name:
        side = "source" if field.startswith("from") else "target"
        raise PlanWrong(f"{field} is missing in the CDM job, and {side}ConnectionName is not set.")
    return name


_DATE = r"dateformat\((?P<inside>[^()]*)\)"
_MACRO = re.compile(
    rf"\$\{{\s*(?:{_DATE}"
    rf"|timestamp\(\s*(?:(?P<stamp>{_DATE.replace('inside', 'of')})|(?P<offset>[^()]*))\s*\))\s*\}}"
)
_UNITS = {"SECOND": 1000, "MINUTE": 60_000, "HOUR": 3_600_000}
_DAYS = {"DAY": 1}
_MONTHS = {"MONTH": 1, "YEAR": 12}


def _expanded(value: Any, when_ms: int, zone_name: str, parameters: Mapping[str, str]) -> Any:
    """Macros, and then parameters of the Factory's job; what nobody knows stays as it is."""
    if isinstance(value, dict):
        return {key: _expanded(each, when_ms, zone_name, parameters) for key, each in value.items()}
    if isinstance(value, list):
        return [_expanded(each, when_ms, zone_name, parameters) for each in value]
    if not isinstance(value, str) or "${" not in value:
        return value
    text = _MACRO.sub(lambda found: _macro(found, when_ms, zone_name), value)
    return _PARAMETER.sub(lambda found: parameters.get(found[1], found[0]), text)


_PARAMETER = re.compile(r"\$\{([^${}()]{1,128})\}")


def _macro(found: re.Match[str], when_ms: int, zone_name: str) -> str:
    try:
        zone = find_zone(zone_name)
    except ElError:
        raise PlanWrong(f"timeZone {zone_name!r} is not known; write one as Europe/Berlin.") from None
    pattern = found["inside"] if found["inside"] is not None else found["of"]
    try:
        if pattern is None:
            parts = [part.strip() for part in (found["offset"] or "").split(",") if part.strip()]
            return str(_moved(parts, when_ms, zone, found[0]))
        first, *parts = (part.strip() for part in pattern.split(","))
        text = format_date(_moved(parts, when_ms, zone, found[0]), first, zone)
        if found["stamp"] is None:
            return text
        return str(parse_date(text, first, zone, reference_ms=when_ms))
    except ElError as error:
        raise PlanWrong(f"{found[0]}: {error}") from None


def _moved(parts: list[str], when_ms: int, zone: Zone, macro: str) -> int:
    if not parts:
        return when_ms
    unit = parts[-1].upper()
    if len(parts) != 2 or not re.fullmatch(r"[+-]?\d{1,6}", parts[0]) or unit not in {*_UNITS, *_DAYS, *_MONTHS}:
        units = ", ".join((*_UNITS, *_DAYS, *_MONTHS))
        raise PlanWrong(f"{macro}: behind the pattern come a whole number and a unit ({units}).")
    count = int(parts[0])
    if unit in _MONTHS:
        return add_months(when_ms, count * _MONTHS[unit], zone)
    return add_days(when_ms, count, zone) if unit in _DAYS else when_ms + count * _UNITS[unit]
