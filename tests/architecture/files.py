"""Rules about the files of the repository, whatever is in them; `make check` runs this file as a program.

* A Python file over 400 lines needs a reason and is listed; over 600 the check fails.
* No path of one developer's machine, and no address of a package index in a lock file.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
LONG, TOO_LONG = 400, 600
MACHINE_PATH = re.compile(r"(?<![\w.:/-])/(?:work|farm|root|home/\w+|Users/\w+)/[a-z.]")
INDEX_ADDRESS = re.compile(r"--(?:extra-)?index-url|--find-links|https?://|\"resolved\":")


def tracked() -> list[Path]:
    """What Git tracks or would track; elsewhere (an unpacked archive) everything but the environment's own."""
    try:
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=TOP,
            capture_output=True,
            check=True,
        ).stdout.decode()
    except (OSError, subprocess.CalledProcessError):
        made = re.compile(r"(\.(?!ci$).*|__pycache__|node_modules|dist|build)")
        return [
            path
            for path in TOP.rglob("*")
            if path.is_file() and not any(made.fullmatch(part) for part in path.relative_to(TOP).parts[:-1])
        ]
    return [path for name in sorted(set(listed.split("\0"))) if name and (path := TOP / name).is_file()]


def texts() -> Iterator[tuple[Path, str]]:
    for path in tracked():
        try:
            yield path.relative_to(TOP), path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # pictures, archives


def long_files() -> list[tuple[int, Path]]:
    return sorted(
        (text.count("\n"), path) for path, text in texts() if path.suffix == ".py" and text.count("\n") > LONG
    )


def faults() -> list[str]:
    found = [f"{path}: {lines} lines, more than {TOO_LONG}" for lines, path in long_files() if lines > TOO_LONG]
    for path, text in texts():
        lock = path.suffix == ".lock"
        rule, name = (INDEX_ADDRESS, "address of a package index") if lock else (MACHINE_PATH, "path of one machine")
        for number, line in enumerate(text.splitlines(), 1):
            if rule.search(line):
                found.append(f"{path}:{number}: {name}: {line.strip()[:100]}")
    return found


def main() -> int:
    for lines, path in long_files():
        print(f"long: {path} ({lines} lines)")
    found = faults()
    for fault in found:
        print(fault, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
