"""The data folder: where it is, and the small files of the server itself in it."""

from __future__ import annotations

import csv
import io
import os
from pathlib import Path

import msgspec

from arkwright.iam.bootstrap import Credentials
from arkwright.own_folder import write_private
from arkwright.settings import Settings, default_data_folder


def data_folder(settings: Settings) -> Path:
    """The data folder that these settings mean; not created."""
    return settings.data.absolute() if settings.data else default_data_folder()


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
