"""A folder of a process's own, a server's or a worker's: made, named, its small files written whole or not at all."""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
from pathlib import Path

from arkwright.errors import SettingInvalid


def make_folder(folder: Path) -> None:
    """Mode 0700 where we make it; a folder that was there keeps its mode and its foreign files."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise unusable(f"The data folder {folder}", error) from error
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        raise SettingInvalid(f"The data folder {folder} is not writable.", hint="Choose another one with --data.")


def unusable(what: object, error: OSError) -> SettingInvalid:
    return SettingInvalid(f"{what} can't be used: {error.strerror}.", hint="Choose another data folder with --data.")


def own_name(file: Path) -> str:
    """What the file says; made at the first start: the same after each restart, different from every other folder's."""
    with contextlib.suppress(FileNotFoundError):
        name = file.read_text().strip()
        if name:
            return name
    name = f"{socket.gethostname()}-{secrets.token_hex(4)}"
    write_private(file, name + "\n")
    return name


def write_private(path: Path, text: str) -> None:
    """Whole or not at all, readable by this user only."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.rename(path)
