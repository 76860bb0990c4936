"""Shell nodes on one to four workers, carried by Dask."""

from __future__ import annotations

from bench.scale_table import Table


def measure(table: Table) -> None:
    pass
