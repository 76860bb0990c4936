"""DorisSQL: Runs SQL on Doris, by a connection."""

from __future__ import annotations

from arkwright.nodes.sql_node import SqlNode, sql_type


class DorisSql(SqlNode):
    type = sql_type(
        "DorisSQL",
        "Doris SQL",
        "Runs SQL on Doris.",
        "DorisSQL",
        server="Doris. Not tested with one; its protocol is MySQL's, which is tested with MariaDB.",
        connections=(
            "DORIS",
            "MRSDoris",
        ),
    )
    script_type = "DorisSQL"
    engine = "arkwright.nodes.sql_mysql:Doris"
