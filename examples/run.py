"""What `make run` runs: the example on real data, from nothing to its report.

A server starts on a free port with a fresh data folder; the example is imported and run with parameters; its states
and logs are shown as they come; then the report, and the server is stopped. The exit code is the run's.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

EXAMPLE = Path(__file__).resolve().parent / "seattle-weather"
STOP_SECONDS = 15


def main() -> int:
    parser = argparse.ArgumentParser(description="Run the example seattle-weather on a server of its own.")
    parser.add_argument("--year", default="2014", help="2012 to 2015 (default: %(default)s)")
    parser.add_argument("--keep", metavar="DIR", type=Path, help="use this data folder and keep it")
    options = parser.parse_args()

    folder = options.keep or Path(tempfile.mkdtemp(prefix="arkwright-run-"))
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with server(folder) as address:
            return run_example(address, folder, options.year)
    finally:
        if options.keep is None:
            remove(folder)


def run_example(address: str, folder: Path, year: str) -> int:
    # The same program as the command `arkwright`, called in this process to spare the start of three more.
    from arkwright.cli import run

    def arkwright(*arguments: str) -> int:
        print(f"\n$ arkwright {' '.join(arguments)}", flush=True)
        return run([*arguments, "--data", str(folder)])

    print(f"Server: {address}   data folder: {folder}")
    csv = EXAMPLE / "files" / "seattle-weather.csv"
    code = arkwright("import", str(EXAMPLE))
    if code == 0:
        code = arkwright("job", "run", "seattle-weather", "-p", f"csv={csv}", "-p", f"year={year}", "--follow")
    if code == 0:
        code = arkwright("instance", "logs", "seattle-weather", "--node", "report")
    return code


def remove(folder: Path) -> None:
    """Resident hosts outlive their server for a while, to be found again; this server will not come back."""
    for address in (folder / "hosts").glob("*.json"):
        with suppress(OSError, ValueError, KeyError):
            os.kill(json.loads(address.read_text())["pid"], signal.SIGTERM)
    shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def server(folder: Path) -> Iterator[str]:
    """A server of its own process; it is stopped as an operator would, with SIGTERM."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ARKWRIGHT_")}
    command = [sys.executable, "-c", "from arkwright.cli import main; main()", "serve", "--port", "0", "--json"]
    log = folder / "server.log"
    with (
        log.open("w") as messages,
        subprocess.Popen(
            [*command, "--data", str(folder)],
            stdout=subprocess.PIPE,
            stderr=messages,
            env=environment,
            text=True,
            start_new_session=True,  # Ctrl-C is for the example; the server is stopped below
        ) as process,
    ):
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            if not line:
                raise SystemExit(f"The server did not start:\n{log.read_text()}")
            yield str(json.loads(line)["url"])
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()


if __name__ == "__main__":
    sys.exit(main())
