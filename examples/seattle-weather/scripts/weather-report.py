"""Joins what three nodes found out into one page. Their outputs arrive as arguments."""

import json
import os
import sys
from pathlib import Path

months, extremes, spells = (json.loads(argument) for argument in sys.argv[1:4])
year = os.environ["ARKWRIGHT_PARAM_YEAR"]
most_rain = max(int(rain) for _, _, _, rain, _ in months) or 1

lines = [
    f"Seattle's weather in {year}",
    "",
    "month   day °C  night °C   rain mm  wet days",
]
for month, warmest, coldest, rain, wet_days in months:
    bar = "█" * round(20 * int(rain) / most_rain)
    lines.append(f"{month}    {float(warmest):8.1f}  {float(coldest):8.1f}  {int(rain):8}  {int(wet_days):8}  {bar}")
lines += ["", *(f"{what:<9} {day:<14} {amount}" for what, day, amount in extremes), ""]
lines += [
    f"longest {kind} spell: {days} days, {first} to {last}" for kind, (days, first, last) in sorted(spells.items())
]

report = "\n".join(lines)
(Path(os.environ["ARKWRIGHT_WORKSPACE_FOLDER"]) / "files" / f"report-{year}.txt").write_text(report + "\n")
print(report)
