"""DataMigration: moves rows between tables and files, said in plain settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from arkwright.core.outcome import FailureKind
from arkwright.nodes.base import Category, Context, Failed, NodeType, Property, Work
from arkwright.nodes.migration import CONNECTIONS, REPEATED, SERVER, MigrationNode
from arkwright.nodes.migration_plan import (
    FORMATS,
    LOCAL,
    Format,
    Making,
    Mode,
    Place,
    Plan,
    PlanWrong,
    checked,
    format_of,
    pairs,
)

_SIDES = (("source", "Where the rows come from"), ("target", "Where they go"))


def _of_side(side: str, where: str) -> tuple[Property, ...]:
    return (
        Property(
            name=f"{side}ConnectionName",
            help=f"{where}: the connection to a PostgreSQL or MySQL server; local is the workspace's own database.",
        ),
        Property(name=f"{side}Database", help="Database on that server; missing: the connection's."),
        Property(name=f"{side}Schema", help="Schema of the table."),
        Property(name=f"{side}Table", help="The table."),
        Property(
            name=f"{side}Path",
            help=f"{where}: a file of the workspace or obs://…; one that ends in .sqlite or .db is a SQLite "
            "database, in .duckdb a DuckDB one.",
        ),
        Property(name=f"{side}Format", help="Of a file; missing: by the ending of its name.", choices=FORMATS),
        Property(name=f"{side}Delimiter", help="Of CSV; `\\t` is a tab.", default=","),
        Property(name=f"{side}Header", help="Whether CSV's first line holds the names.", default="true"),
        Property(name=f"{side}Quoted", help="Whether CSV's fields may stand in double quotes.", default="true"),
        Property(name=f"{side}Encoding", help="Of CSV and JSON lines.", default="utf-8"),
        Property(name=f"{side}NullText", help="What CSV's NULL looks like, without quotes; missing: nothing at all."),
        Property(name=f"{side}Gzip", help="Whether the file is packed; also where its name ends in .gz."),
    )


class DataMigration(MigrationNode):
    type = NodeType(
        name="DataMigration",
        title="Data Migration",
        work=Work.HOSTED,
        category=Category.MOVEMENT,
        icon="transfer",
        summary="Moves rows between tables and files, all of them or what is new.",
        aliases=("Data Migration", "DataMigrationJob"),
        connections=CONNECTIONS,
        server=SERVER,
        repeated=REPEATED,
        properties=(
            *(each for side in _SIDES for each in _of_side(*side)),
            Property(name="sourceQuery", help="A SELECT in the place of sourceTable."),
            Property(name="sourceWhere", help="A condition on the source's rows."),
            Property(name="targetWhere", help="A condition on the target's rows that go before the new ones come."),
            Property(name="columns", help="Which columns, `source:target` or one name for both; missing: all."),
            Property(name="columnTypes", help="SQL types of target columns that are made, `name:type`."),
            Property(
                name="mode",
                help="append; replace: the old rows go; merge: rows of the same keyColumns are replaced.",
                default=Mode.APPEND.value,
                choices=tuple(each.value for each in Mode),
            ),
            Property(name="keyColumns", help="What rows are the same by, with mode merge."),
            Property(
                name="createTable",
                help="Whether the target table is made: if_missing, never, recreate (the old one goes).",
                default=Making.MISSING.value,
                choices=tuple(each.value for each in Making),
            ),
            Property(name="incrementalColumn", help="Only rows in which it is larger than at the last run come."),
            Property(name="incrementalStart", help="Where the first incremental run begins; missing: with all rows."),
            Property(name="maxErrorRows", help="How many rows may be refused.", default="0"),
            Property(name="errorPath", help="File for refused rows; missing: beside the target, or rejected/…."),
        ),
        example={
            "name": "load",
            "type": "DataMigration",
            "location": {"x": 0, "y": 0},
            "properties": [
                {"name": "sourcePath", "value": "orders.csv"},
                {"name": "targetPath", "value": "orders.parquet"},
            ],
        },
    )

    def check(self, context: Context) -> Failed | None:
        try:
            plan_of(context.properties)
        except PlanWrong as error:
            return Failed(kind=FailureKind.REFUSED, message=str(error))
        return None

    def connection_names(self, context: Context) -> tuple[str, ...]:
        return plan_of(context.properties).connections

    def is_local(self, context: Context) -> bool:
        return LOCAL in (context.properties.get(f"{side}ConnectionName", "").strip().lower() for side, _ in _SIDES)

    async def plan(self, context: Context, files: Any) -> Plan:
        return plan_of(context.properties)


def plan_of(properties: Mapping[str, str]) -> Plan:
    """Raises `PlanWrong`."""

    def given(name: str, default: str = "") -> str:
        return properties.get(name, "").strip() or default

    columns = tuple(pairs(given("columns"), "columns"))
    return checked(
        Plan(
            source=_place(properties, "source"),
            target=_place(properties, "target"),
            columns=columns,
            types=dict(pairs(given("columnTypes"), "columnTypes")),
            mode=_choice(given("mode"), Mode, Mode.APPEND, "mode"),
            keys=tuple(name for name, _ in pairs(given("keyColumns"), "keyColumns")),
            making=_choice(given("createTable"), Making, Making.MISSING, "createTable"),
            cleared=given("targetWhere"),
            incremental=given("incrementalColumn"),
            start=given("incrementalStart"),
            most_refused=_count(given("maxErrorRows", "0")),
            refused_path=given("errorPath"),
        )
    )


def _place(properties: Mapping[str, str], side: str) -> Place:
    def given(name: str) -> str:
        return properties.get(f"{side}{name}", "").strip()

    place = Place(
        connection=given("ConnectionName"),
        database=given("Database"),
        schema=given("Schema"),
        table=given("Table"),
        query=given("Query"),
        where=given("Where") if side == "source" else "",
        path=given("Path"),
    )
    if not place.path or not place.is_file:
        return place
    delimiter = properties.get(f"{side}Delimiter", "").replace("\\t", "\t") or ","
    form = Format(
        kind=format_of(place.path, given("Format"), f"{side}Format"),
        delimiter=delimiter,
        header=_flag(given("Header"), f"{side}Header", default=True),
        quoted=_flag(given("Quoted"), f"{side}Quoted", default=True),
        encoding=given("Encoding") or "utf-8",
        null_text=properties.get(f"{side}NullText", ""),
        gzip=_flag(given("Gzip"), f"{side}Gzip", default=False),
    )
    return Place(path=place.path, where=place.where, query=place.query, table=place.table, format=form)


def _flag(text: str, name: str, *, default: bool) -> bool:
    word = text.lower()
    if word not in ("", "true", "false"):
        raise PlanWrong(f"{name} is {text!r}; it can be true or false.")
    return default if not word else word == "true"


def _count(text: str) -> int:
    if not text.isdigit():
        raise PlanWrong(f"maxErrorRows is {text!r}; it is a whole number, 0 or more.")
    return int(text)


def _choice(text: str, kinds: Any, default: Any, name: str) -> Any:
    try:
        return kinds(text.lower()) if text else default
    except ValueError:
        raise PlanWrong(f"{name} is {text!r}; it can be {', '.join(kinds)}.") from None
