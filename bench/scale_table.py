"""The lines that `make bench-scale` prints, and whether what must stay the same did."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

MOST = 1.5
"""A cost at millions of stored instances beside the same cost at ten thousand."""


@dataclass
class Table:
    missed: list[str] = field(default_factory=list)

    def heading(self, name: str) -> None:
        one, five, _ = os.getloadavg()
        cores = os.cpu_count() or 1
        print(f"-- {name} ({cores} cores, load {one:.2f} in the last minute, {five:.2f} in five)", flush=True)

    def line(self, figure: str, value: float, unit: str) -> None:
        print(f"      {figure:<72} {value:>12,.2f} {unit}", flush=True)

    def growth(self, figure: str, costs: dict[int, float], unit: str, *, counts: bool) -> None:
        """The same cost at several sizes, and the last beside the first. `counts`: it must not have grown."""
        base = next(iter(costs.values()))
        told = "  ".join(f"{size:,}: {cost:,.2f}" for size, cost in costs.items())
        ratio = list(costs.values())[-1] / base if base else 1.0
        good = ratio <= MOST
        if counts and not good:
            self.missed.append(figure)
        mark = ("ok  " if good else "MISS") if counts else "    "
        print(f"{mark}  {figure}, {unit}: {told}; last to first {ratio:.2f} (≤ {MOST})", flush=True)

    def finish(self) -> int:
        print(f"missed: {', '.join(self.missed)}" if self.missed else "nothing grows that must not")
        return 1 if self.missed else 0


def cpu_seconds(pid: int) -> float:
    """Of a process alone."""
    return _seconds(pid, 11)


def children_seconds(pid: int) -> float:
    """Of those of its children that have ended."""
    return _seconds(pid, 13)


def _seconds(pid: int, at: int) -> float:
    """User and system time, from that field of its status on."""
    parts = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(parts[at]) + int(parts[at + 1])) / os.sysconf("SC_CLK_TCK")
