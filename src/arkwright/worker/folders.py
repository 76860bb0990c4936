"""The folders of a worker: one for each attempt that it has, gone with it.

There are no files of a workspace here: an attempt's `workspace_folder` is a plain file, whose name says where they are.
Whatever a program looks for below it, or makes there, fails with that name in the system's own words, for root, too.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from arkwright.executors.attempt_wire import Claimed, attempt_key, attempt_name
from arkwright.nodes.base import AttemptKey, Context
from arkwright.nodes.ssh_program import KNOWN_HOSTS
from arkwright.worker import guard

NO_WORKSPACE = "workspace-files-are-on-the-server"
NO_WORKSPACE_TEXT = b"This is a worker: the files of the workspace are on the server's machine (workerGroup: local).\n"


class WorkerFolders:
    def __init__(self, data: Path) -> None:
        self.runs = data / "runs"
        self.notes = data / "unshipped"

    def make(self) -> None:
        self.runs.mkdir(mode=0o700, parents=True, exist_ok=True)
        shutil.rmtree(self.notes, ignore_errors=True)

    def attempt(self, key: AttemptKey) -> Path:
        return self.runs / attempt_name(key)

    def found(self) -> Iterator[tuple[AttemptKey, Path]]:
        """Of attempts that the process before this one had."""
        for folder in sorted(self.runs.iterdir()):
            key = attempt_key(folder.name)
            if key is not None:
                yield key, folder

    def placed(self, context: Context) -> Context:
        """As it is given to a node here."""
        folder = self.attempt(context.key)
        return replace(context, folder=folder, workspace_folder=folder / NO_WORKSPACE, on_worker=True)

    def prepare(self, claimed: Claimed, context: Context, *, hosted: bool) -> None:
        """Also of one that is there already. `hosted`: it runs inside this process. Raises `OSError`."""
        context.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if hosted:
            _write_new(context.folder / guard.HOSTED, b"")
        _write_new(context.workspace_folder, NO_WORKSPACE_TEXT)
        if claimed.known_hosts:
            _write_new(context.folder / KNOWN_HOSTS, claimed.known_hosts.encode())

    def fenced(self, context: Context) -> bool:
        """Whether the guard has stopped it."""
        return (context.folder / guard.FENCED).exists()

    def release(self, context: Context) -> None:
        """Nothing of it goes on in this process."""
        with contextlib.suppress(OSError):
            (context.folder / guard.HOSTED).unlink(missing_ok=True)

    def learned(self, claimed: Claimed, context: Context) -> str:
        """What became known of a host that nothing was known of."""
        if claimed.known_hosts or context.connection is None:
            return ""
        try:
            return (context.folder / KNOWN_HOSTS).read_text("utf-8")
        except (OSError, ValueError):
            return ""

    def clear(self, folder: Path) -> None:
        """Nothing of it goes on, and nothing of it is left."""
        with contextlib.suppress(OSError):
            guard.kill(folder)
        shutil.rmtree(folder, ignore_errors=True)


def _write_new(path: Path, data: bytes) -> None:
    with contextlib.suppress(FileExistsError):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb", buffering=0) as file:
            file.write(data)
