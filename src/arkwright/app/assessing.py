"""What an import is told beforehand: the assessment of a zip, for the API."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any


def assessed(file: Path) -> Mapping[str, Any]:
    """As `arkwright assess --json` prints it. Reads the file: not for the event loop's thread."""
    # Read when it is first asked for: no server needs it to start.
    from arkwright.assess.jobs import assess
    from arkwright.assess.reading import collect

    return assess(collect([file])).plain()
