"""The process behind a script in a container: runs it, says how it ended, and leaves nothing of it behind.

* What earlier attempts left (their client was killed together with its server) is removed first. A container of this
  very attempt that is there already is not begun again: its log is taken over, and its end waited for.
* SIGTERM removes the container: its program gets TERM, and KILL a moment later. The engine's own client in the
  foreground is only how it is watched; it is in a group of its own, so that a signal to ours comes here alone.
* What the engine itself has to say (no such image, no permission) is in the log, with its exit codes 125 to 127.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec

from arkwright.nodes.base import HIDDEN_TEXT
from arkwright.nodes.container_program import Errand

STOPPED = 128 + signal.SIGTERM
KILLED = 128 + signal.SIGKILL
QUICK_SECONDS = 30.0


class Stopped(Exception):
    """SIGTERM has come."""


def main() -> int:
    errand = msgspec.json.decode(Path(HIDDEN_TEXT).read_bytes(), type=Errand)
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGINT, _stop)
    try:
        _remove(errand, *errand.earlier)
        code = _follow(errand) if _state(errand) is not None else _run(errand)
        if code == KILLED and errand.memory_bytes:
            _say_out_of_memory(errand, certain=bool((_state(errand) or {}).get("OOMKilled")))
    except Stopped:
        code = STOPPED
    except FileNotFoundError:
        os.write(1, f"[container] {errand.engine} is not there any more\n".encode())
        return 127
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # it is being removed already
    _remove(errand, errand.name)
    return code


def _stop(number: int, frame: Any) -> None:
    raise Stopped


def _run(errand: Errand) -> int:
    names = [part for name in sorted(errand.environment) for part in ("--env", name)]
    interactive = ["--interactive"] if errand.stdin else []
    command = [errand.engine, "run", "--name", errand.name, *interactive, *errand.options, *names, errand.image]
    with (
        _in_memory(errand.stdin) as stdin,
        subprocess.Popen(  # noqa: S603 - the node's own program
            [*command, *errand.command],
            stdin=stdin,
            env={**os.environ, **errand.environment},
            start_new_session=True,
        ) as process,
    ):
        return _wait(process)


def _follow(errand: Errand) -> int:
    """Of a container that is there already."""
    with subprocess.Popen(  # noqa: S603
        [errand.engine, "logs", "--follow", errand.name], stdin=subprocess.DEVNULL, start_new_session=True
    ) as process:
        _wait(process)
    waited = _quietly(errand, "wait", errand.name, seconds=None)
    return int(waited) if waited.isdigit() else 125


def _wait(process: subprocess.Popen[bytes]) -> int:
    try:
        code = process.wait()
    except Stopped:
        process.kill()  # only who watches; the container itself is removed then
        raise
    return code if code >= 0 else 128 - code


def _state(errand: Errand) -> dict[str, Any] | None:
    """None: there is no such container."""
    said = _quietly(errand, "container", "inspect", "--format", "{{json .State}}", errand.name)
    with contextlib.suppress(msgspec.DecodeError):
        return msgspec.json.decode(said, type=dict[str, Any])
    return None


def _remove(errand: Errand, *names: str) -> None:
    for name in names:
        if errand.engine.endswith("podman"):
            _quietly(errand, "rm", "--force", "--ignore", "--time", "1", name)
        else:
            _quietly(errand, "stop", "--time", "1", name)
            _quietly(errand, "rm", "--force", name)


def _quietly(errand: Errand, *arguments: str, seconds: float | None = QUICK_SECONDS) -> str:
    try:
        done = subprocess.run(  # noqa: S603
            [errand.engine, *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=seconds,
            start_new_session=True,
        )
    except subprocess.TimeoutExpired:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _say_out_of_memory(errand: Errand, *, certain: bool) -> None:
    """As the guard of local programs says it (`executors/limits`). Not every engine knows who killed a process."""
    what = "memory" if certain else "memory-likely"
    with contextlib.suppress(OSError):
        Path(errand.folder, "limit").write_text(f"{what} {errand.memory_bytes} {errand.memory_bytes}\n")


def _in_memory(text: bytes) -> Any:
    """A file that is on no disk."""
    file = os.fdopen(os.memfd_create("script"), "w+b")
    file.write(text)
    file.flush()
    file.seek(0)
    return file


if __name__ == "__main__":
    sys.exit(main())
