"""MRSClickHouse: Runs SQL on ClickHouse, by a connection."""

from __future__ import annotations

from arkwright.nodes.sql_node import SqlNode, sql_type


class ClickHouseSql(SqlNode):
    type = sql_type(
        "MRSClickHouse",
        "ClickHouse",
        "Runs SQL on ClickHouse.",
        "ClickHouseSQL",
        server="ClickHouse of any version, over HTTP; tested with Debian's (18.16).",
        connections=(
            "CLICKHOUSE",
            "MRSClickHouse",
        ),
        aliases=(
            "ClickHouse",
            "ClickHouseSQL",
            "ExecuteClickHouseJob",
        ),
    )
    script_type = "ClickHouseSQL"
    engine = "arkwright.nodes.sql_clickhouse:ClickHouse"
