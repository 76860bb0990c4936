"""What the kernel sees: the reply to run-immediate leaves after the database is on disk, with one sync per reply."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.e2e.house import COMMAND, house, node

RUNS = 12
_CALLS = "trace=read,recvfrom,recvmsg,write,writev,sendto,sendmsg,fsync,fdatasync"
_LINE = re.compile(r"(?P<thread>\d+) +(?:<\.\.\. )?(?P<call>\w+)(?P<rest>.*)")


def _strace() -> str:
    found = shutil.which("strace")
    if found is None:
        pytest.skip("strace is not installed (on Debian: apt-get install strace)")
    tried = subprocess.run([found, "-f", "-e", "trace=fsync", "true"], capture_output=True, text=True)
    if tried.returncode:
        pytest.skip(f"strace may not trace here: {tried.stderr.strip().splitlines()[-1:]}")
    return found


@dataclass(frozen=True)
class Seen:
    """One thing of interest, in the order in which it was complete."""

    what: str
    """request, reply or sync."""
    file: str = ""


def read_trace(lines: Sequence[str]) -> list[Seen]:
    """Requests read, replies about to be written, and syncs that have succeeded."""
    seen: list[Seen] = []
    begun: dict[str, str] = {}
    for line in lines:
        found = _LINE.match(line)
        if found is None:
            continue
        thread, call, rest = found["thread"], found["call"], found["rest"]
        resumed = rest.startswith(" resumed>")
        if call in ("fsync", "fdatasync"):
            if rest.endswith("<unfinished ...>"):
                begun[thread] = rest
            elif rest.endswith("= 0"):
                path = re.search(r"<([^>]*)>", begun.pop(thread, "") if resumed else rest)
                seen.append(Seen("sync", path[1] if path else ""))
        elif "POST /v1/" in rest and "/run-immediate" in rest:
            seen.append(Seen("request"))
        elif not resumed and '"HTTP/1.1 200' in rest and call not in ("read", "recvfrom", "recvmsg"):
            seen.append(Seen("reply"))
    return seen


def _trace(folder: Path, *options: str) -> list[Seen]:
    """Of a server that answers one client's calls, one after another."""
    strace, output = _strace(), folder / "strace"
    command = (strace, "-f", "-y", "-s", "96", "-e", _CALLS, "-e", "signal=none", "-o", str(output), *COMMAND)
    with house(folder, *options) as home:
        client = home.client()
        client.save_job("j", node("d", "Dummy"))
        client.run("j")  # the first one meets cold caches and a fresh log of the database
        client.close()
        assert home.stop() == 0
        home.command = command
        home.start()
        client = home.client()
        for _ in range(RUNS):
            client.run("j")
        client.close()
        home.stop_traced()
    seen = read_trace(output.read_text(errors="replace").splitlines())
    first = seen.index(Seen("request"))
    return seen[first:]


def _rounds(seen: list[Seen]) -> list[list[str]]:
    """Per request the files that were synced until its reply."""
    rounds: list[list[str]] = []
    under_way = False
    for each in seen:
        if each.what == "request":
            assert not under_way
            rounds.append([])
            under_way = True
        elif each.what == "reply":
            under_way = False
        elif under_way:
            rounds[-1].append(Path(each.file).name)
    return rounds


@pytest.mark.long
def test_a_run_is_on_disk_before_its_reply(tmp_path: Path) -> None:
    rounds = _rounds(_trace(tmp_path))
    assert len(rounds) == RUNS
    assert all("arkwright.db-wal" in files for files in rounds), rounds


def test_accepting_a_run_costs_one_sync(tmp_path: Path) -> None:
    rounds = _rounds(_trace(tmp_path, "--roles", "api"))
    assert rounds == [["arkwright.db-wal"]] * RUNS
