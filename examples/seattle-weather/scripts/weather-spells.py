"""The longest spells of days with and without rain: easier in a loop than in SQL."""

import csv
import json
import os
from itertools import groupby
from pathlib import Path

year = os.environ["ARKWRIGHT_PARAM_YEAR"]
file = Path(os.environ["ARKWRIGHT_WORKSPACE_FOLDER"]) / "files" / "seattle-weather.csv"

with file.open(newline="") as rows:
    days = [row for row in csv.DictReader(rows) if row["date"].startswith(f"{year}/")]

spells = {"wet": [], "dry": []}
for wet, spell in groupby(days, key=lambda day: float(day["precipitation"]) > 0):
    dates = [day["date"] for day in spell]
    spells["wet" if wet else "dry"].append((len(dates), dates[0], dates[-1]))

print(json.dumps({kind: max(found) for kind, found in spells.items() if found}))
