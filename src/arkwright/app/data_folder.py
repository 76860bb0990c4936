"""The data folder: where it is, and the small files of the server itself in it. Each is written whole or not at all."""

from __future__ import annotations

import contextlib
import csv
import io
import os
import secrets
import socket
from pathlib import Path

import msgspec
import platformdirs

from arkwright.errors import SettingInvalid
from arkwright.iam.bootstrap import Credentials
from arkwright.settings import Settings


def data_folder(settings: Settings) -> Path:
    """The data folder that these settings mean; not created."""
    return (settings.data or Path(platformdirs.user_data_path("arkwright", appauthor=False))).absolute()


def make_folder(folder: Path) -> None:
    """Mode 0700 where we make it; a folder that was there keeps its mode and its foreign files."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except (FileExistsError, NotADirectoryError, PermissionError) as error:
        raise SettingInvalid(
            f"The data folder {folder} can't be used: {error.strerror}.", hint="Choose another one with --data."
        ) from error
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        raise SettingInvalid(f"The data folder {folder} is not writable.", hint="Choose another one with --data.")


def engine_name(folder: Path) -> str:
    """This folder's engine: the same after each restart, different from every other folder's."""
    path = folder / "engine-name"
    with contextlib.suppress(FileNotFoundError):
        name = path.read_text().strip()
        if name:
            return name
    name = f"{socket.gethostname()}-{secrets.token_hex(4)}"
    write_private(path, name + "\n")
    return name


def credentials_csv(made: Credentials) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["User Name", "Password", "Access Key Id", "Secret Access Key", "Project Id", "Domain"])
    writer.writerow(
        [made.user_name, made.password, made.access_key, made.secret_key, made.project_id, made.domain_name]
    )
    return text.getvalue()


def write_server_file(folder: Path, url: str) -> None:
    """Where the command line finds this server."""
    write_private(folder / "server.json", msgspec.json.encode({"url": url, "pid": os.getpid()}).decode() + "\n")


def write_private(path: Path, text: str) -> None:
    """Whole or not at all, readable by this user only."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.rename(path)
