"""`make bench-scale`: PostgreSQL, several servers, workers, and millions of stored instances.

What must not grow with what is stored is measured at each size and compared with the smallest; a ratio above `MOST`
is a miss, and the exit code 1. Names of cases run only those: servers, workers, stored, retention.
`ARKWRIGHT_SCALE_SIZES=10000,100000` picks other sizes.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable

from bench import scale_servers, scale_stored, scale_workers
from bench.scale_table import Table

SIZES = (10_000, 100_000, 1_000_000, 5_000_000)


def main(names: list[str]) -> int:
    sizes = tuple(int(each) for each in os.environ.get("ARKWRIGHT_SCALE_SIZES", "").split(",") if each) or SIZES
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))  # servers and databases are not left behind
    table = Table()
    cases: dict[str, Callable[[], None]] = {
        "servers": lambda: scale_servers.measure(table),
        "workers": lambda: scale_workers.measure(table),
        "stored": lambda: scale_stored.measure(table, sizes),
        "retention": lambda: scale_stored.measure_retention(table),
    }
    for name in names or list(cases):
        table.heading(name)
        cases[name]()
    return table.finish()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
