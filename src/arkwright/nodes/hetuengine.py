"""MRSHetuEngine: Runs SQL on HetuEngine or Trino, by a connection."""

from __future__ import annotations

from arkwright.nodes.sql_node import SqlNode, sql_type


class HetuEngine(SqlNode):
    type = sql_type(
        "MRSHetuEngine",
        "MRS HetuEngine",
        "Runs SQL on HetuEngine or Trino.",
        "HetuEngineSQL",
        server="HetuEngine or Trino. Not tested with one: PyPI, npm and Debian have none. Tried against silence.",
        connections=(
            "HETUENGINE",
            "MRSHetuEngine",
            "TRINO",
        ),
        aliases=(
            "HetuEngine",
            "ExecuteHetuEngineJob",
        ),
    )
    script_type = "HetuEngineSQL"
    engine = "arkwright.nodes.sql_trino:Trino"
