"""Which server a command talks to, and with which credential.

In this order: options, the environment (`ARKWRIGHT_URL`, …), then what the server on this machine left in its data
folder: `server.json` (its address) and `credentials.csv` (the administrator's keys).
"""

from __future__ import annotations

import csv
import functools
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar
from urllib.parse import urlsplit

import rich_click as click

from arkwright.cli.output import Output
from arkwright.errors import ArkwrightError
from arkwright.settings import default_data_folder, expanded

if TYPE_CHECKING:
    from arkwright.client import AsyncClient, Call, Credential

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")


class NoServer(ArkwrightError):
    """No server is known."""


class NoCredential(ArkwrightError):
    """No credential is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    url: str
    project_id: str
    credential: Credential
    workspace: str = ""
    ca_file: str = ""


def data_folder(given: Path | None, environment: Mapping[str, str] = os.environ) -> Path:
    """The data folder of the server on this machine (what `arkwright.app.data_folder` answers, without loading it)."""
    if given:
        return expanded(given, "--data").absolute()
    if environment.get("ARKWRIGHT_DATA"):
        return expanded(environment["ARKWRIGHT_DATA"], "ARKWRIGHT_DATA").absolute()
    return default_data_folder()


def seal_key_file(folder: Path, environment: Mapping[str, str] = os.environ) -> Path:
    """The key file of the server with that data folder."""
    given = environment.get("ARKWRIGHT_SEAL_KEY_FILE")
    return Path(given).expanduser().absolute() if given else folder / "secret.key"


def database_url(given: str | None, environment: Mapping[str, str] = os.environ) -> str:
    """The address of a PostgreSQL database; empty: the embedded one. Raises `SettingInvalid`."""
    from arkwright.settings import check_database_url

    url, source = given or "", "--database-url"
    if not url:
        url, source = environment.get("ARKWRIGHT_DATABASE_URL", ""), "ARKWRIGHT_DATABASE_URL"
    return check_database_url(url, source)


def find_target(
    *,
    url: str | None = None,
    access_key: str | None = None,
    secret_key: str | None = None,
    project_id: str | None = None,
    workspace: str | None = None,
    ca_file: str | None = None,
    data: Path | None = None,
    environment: Mapping[str, str] = os.environ,
) -> Target:
    """Raises `NoServer` and `NoCredential`, each with the way out."""
    from arkwright.client import AccessKey, Password

    folder = data_folder(data, environment)
    url = _checked(url or environment.get("ARKWRIGHT_URL") or "") or _server_address(folder)
    row = _credentials(folder)
    access_key = access_key or environment.get("ARKWRIGHT_ACCESS_KEY")
    secret_key = secret_key or environment.get("ARKWRIGHT_SECRET_KEY")
    user, password = environment.get("ARKWRIGHT_USER"), environment.get("ARKWRIGHT_PASSWORD")
    credential: Credential
    if access_key and not secret_key and row.get("Access Key Id") == access_key:
        secret_key = row.get("Secret Access Key")
    if access_key and secret_key:
        credential = AccessKey(access_key, secret_key)
    elif access_key or secret_key:
        raise NoCredential(
            "An access key and its secret key belong together; only one of them was given.",
            hint="Give both: ARKWRIGHT_ACCESS_KEY and ARKWRIGHT_SECRET_KEY, or --access-key and --secret-key.",
        )
    elif user and password:
        credential = Password(user, password, environment.get("ARKWRIGHT_DOMAIN") or row.get("Domain") or "arkwright")
    elif row:
        credential = AccessKey(row["Access Key Id"], row["Secret Access Key"])
    else:
        raise NoCredential(
            f"No credential for {url}: there is no {folder / 'credentials.csv'}.",
            hint="Set ARKWRIGHT_ACCESS_KEY and ARKWRIGHT_SECRET_KEY, or ARKWRIGHT_USER and ARKWRIGHT_PASSWORD, "
            "or point --data at the server's data folder.",
        )
    project_id = project_id or environment.get("ARKWRIGHT_PROJECT_ID") or row.get("Project Id")
    if not project_id:
        raise NoCredential(
            "The project is not known.",
            hint="Set ARKWRIGHT_PROJECT_ID or give --project-id; the server's credentials.csv names it.",
        )
    return Target(
        url=url,
        project_id=project_id,
        credential=credential,
        workspace=workspace or environment.get("ARKWRIGHT_WORKSPACE") or "",
        ca_file=ca_file or environment.get("ARKWRIGHT_CA_FILE") or "",
    )


def _checked(url: str) -> str:
    parts = urlsplit(url)
    try:
        fine = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        fine = False
    if url and not fine:
        raise NoServer(f"{url!r} is no address of a server.", hint="Write http://HOST:PORT or https://HOST:PORT.")
    return url


def _server_address(folder: Path) -> str:
    file = folder / "server.json"
    try:
        return str(json.loads(file.read_text())["url"])
    except FileNotFoundError:
        raise NoServer(
            f"No server is running with the data folder {folder}.",
            hint="Start one with `arkwright serve`, or name another with --url or --data.",
        ) from None
    except (OSError, ValueError, KeyError) as error:
        raise NoServer(f"{file} can't be read: {error}.", hint="Name the server with --url.") from error


def _credentials(folder: Path) -> dict[str, str]:
    try:
        with (folder / "credentials.csv").open(newline="", encoding="utf-8") as file:
            return next(csv.DictReader(file), {})
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise NoCredential(
            f"{error.filename} can't be read: {error.strerror}.",
            hint="It belongs to the user who runs the server. Set ARKWRIGHT_ACCESS_KEY and ARKWRIGHT_SECRET_KEY.",
        ) from error


class Session:
    """What a command works with: the server, and where its output goes."""

    def __init__(self, target: Target, output: Output) -> None:
        from arkwright.client import Client

        self.target = target
        self.output = output
        self._client = Client(
            target.url,
            project_id=target.project_id,
            credential=target.credential,
            workspace=target.workspace,
            ca_file=target.ca_file,
        )

    def send(self, call: Call[T]) -> T:
        return self._client.send(call)

    def async_client(self) -> AsyncClient:
        """For following a run: patient enough to outlast a restart of the server."""
        from arkwright.client import AsyncClient, Repeats

        target = self.target
        return AsyncClient(
            target.url,
            project_id=target.project_id,
            credential=target.credential,
            workspace=target.workspace,
            ca_file=target.ca_file,
            repeats=Repeats(attempts=15),
        )

    def close(self) -> None:
        self._client.close()


_PANEL = "Connection"
_OPTIONS = (
    click.option("--json", "as_json", is_flag=True, help="Pure JSON on stdout, for programs."),
    click.option("--url", metavar="URL", panel=_PANEL, help="Address of the server. [ARKWRIGHT_URL]"),
    click.option("--access-key", metavar="KEY", panel=_PANEL, help="Access key. [ARKWRIGHT_ACCESS_KEY]"),
    click.option(
        "--secret-key",
        metavar="KEY",
        panel=_PANEL,
        help="Secret key; others on this machine see it, so better ARKWRIGHT_SECRET_KEY.",
    ),
    click.option("--project-id", metavar="ID", panel=_PANEL, help="Project. [ARKWRIGHT_PROJECT_ID]"),
    click.option(
        "--workspace", metavar="ID", panel=_PANEL, help="Workspace; the default one else. [ARKWRIGHT_WORKSPACE]"
    ),
    click.option(
        "--ca-file",
        metavar="FILE",
        type=click.Path(exists=True, dir_okay=False),
        panel=_PANEL,
        help="Certificates (PEM) to trust instead of the machine's. [ARKWRIGHT_CA_FILE]",
    ),
    click.option(
        "--data",
        metavar="DIR",
        type=click.Path(path_type=Path),
        panel=_PANEL,
        help="Data folder of the server on this machine. [ARKWRIGHT_DATA]",
    ),
)


def connected(function: Callable[Concatenate[Session, P], R]) -> Callable[..., R]:
    """Give a command the options of the connection, and a `Session` as its first argument."""

    @functools.wraps(function)
    def command(
        *,
        url: str | None,
        access_key: str | None,
        secret_key: str | None,
        project_id: str | None,
        workspace: str | None,
        ca_file: str | None,
        data: Path | None,
        as_json: bool,
        **rest: Any,
    ) -> R:
        target = find_target(
            url=url,
            access_key=access_key,
            secret_key=secret_key,
            project_id=project_id,
            workspace=workspace,
            ca_file=ca_file,
            data=data,
        )
        session = Session(target, Output(as_json=as_json))
        try:
            return function(session, **rest)  # type: ignore[call-arg]
        finally:
            session.close()

    for option in reversed(_OPTIONS):
        command = option(command)
    # What a command is about comes first in its help.
    return click.option_panel("Options")(click.option_panel(_PANEL)(command))
