"""All settings of the server: one frozen record, each field with its default, unit and help.

The same table makes `arkwright config`, the names of the environment variables and the documentation page.
Settings are read only in `app/` and `cli/`; everything below is given plain values.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields
from pathlib import Path
from typing import Any

from arkwright.errors import SettingInvalid

ROLES = frozenset({"api", "engine", "scheduler"})
NEVER_ZERO = frozenset({"max_programs", "body_limit_bytes", "object_limit_bytes", "job_levels"})
"""With 0 nothing would ever run, or be taken in."""
CHOICES = {
    "offset_mode": ("page", "record", "auto"),
    "limits": ("open", "strict"),
    "smtp_security": ("starttls", "tls", "none"),
}


def _setting(default: Any, text: str, *, secret: bool = False) -> Any:
    return field(default=default, metadata={"help": text, "secret": secret})


def variable_of(name: str) -> str:
    """The environment variable of a setting."""
    return f"ARKWRIGHT_{name.upper()}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    host: str = _setting("127.0.0.1", "Address to listen on.")
    port: int = _setting(8990, "Port to listen on; 0 picks a free one.")
    data: Path | None = _setting(None, "Data folder. Default: the platform's folder for user data.")
    database_url: str = _setting("", "postgresql://… for PostgreSQL. Default: SQLite in the data folder.", secret=True)
    roles: frozenset[str] = _setting(
        ROLES, "What this process does, comma-separated: api, engine, scheduler. Some of them only: with PostgreSQL."
    )
    lease_seconds: float = _setting(15.0, "Seconds without a word after which other servers take over a server's work.")
    seal_key_file: Path | None = _setting(
        None,
        "File with the keys that secrets are sealed with, which servers on one database share. Default: secret.key in "
        "the data folder.",
    )
    metrics_token: str = _setting(
        "", "Token that /metrics is read with. Default: none, and administrators alone read it.", secret=True
    )
    time_zone: str = _setting("", "Time zone of new workspaces (IANA or GMT+8). Default: the machine's.")
    project_id: str = _setting("", "Id of the default project.")
    domain: str = _setting("", "Name of the default domain (account). Default: arkwright.")
    admin_user: str = _setting("", "Name of the first administrator. Default: admin.")
    admin_password: str = _setting("", "Password of the first administrator.", secret=True)
    access_key: str = _setting("", "Access key of the first administrator.")
    secret_key: str = _setting("", "Secret key of the first administrator.", secret=True)
    tls_cert: Path | None = _setting(None, "Certificate file (PEM) to serve HTTPS.")
    tls_key: Path | None = _setting(None, "Key file (PEM) of the certificate.")
    insecure_http: bool = _setting(False, "Allow plain HTTP on an address that is not loopback.")
    trusted_proxies: str = _setting(
        "", "Addresses of reverse proxies whose X-Forwarded headers are believed, comma-separated."
    )
    max_programs: int = _setting(64, "Local programs that may run at the same time.")
    program_memory_bytes: int = _setting(
        0, "Most memory of a local program, in bytes; workspaces and nodes may say less. 0: no limit."
    )
    program_processes: int = _setting(1000, "Most processes that a local program may have at a time. 0: no limit.")
    program_open_files: int = _setting(
        0, "Most files that a process of a local program may have open. 0: the system's limit."
    )
    program_seconds: int = _setting(0, "Most seconds that a local program may run. 0: no limit.")
    host_memory_bytes: int = _setting(
        0, "Most memory of a process in which SQL and REST nodes of a workspace run, in bytes. 0: no limit."
    )
    executor: str = _setting(
        "local",
        "Where programs of nodes run: local, or dask://HOST:PORT or tls://HOST:PORT of a Dask scheduler with workers; "
        "GROUP=URL names one for that group alone. May be repeated; in the variable, comma-separated.",
    )
    executor_ca: Path | None = _setting(
        None, "Certificate (PEM) of the authority that scheduler and workers show one of."
    )
    executor_cert: Path | None = _setting(None, "Certificate file (PEM) that the scheduler is shown.")
    executor_key: Path | None = _setting(None, "Key file (PEM) of that certificate.")
    worker_group: str = _setting(
        "default", "Group of workers that runs the programs of nodes that name none; local: this machine does."
    )
    attempt_lease_seconds: float = _setting(
        20.0,
        "Seconds without a word after which what a worker runs counts as lost; it tells of itself four times as often.",
    )
    log_cap_bytes: int = _setting(30_000_000, "Bytes of a node's log that are kept.")
    body_limit_bytes: int = _setting(12 * 1024 * 1024, "Largest request body, in bytes.")
    object_limit_bytes: int = _setting(5 * 1024**3, "Largest object that can be uploaded, in bytes.")
    objects_folder: Path | None = _setting(
        None, "Folder for obs:// paths, which several servers may share. Default: obs in the data folder."
    )
    log_store: str = _setting(
        "",
        "obs://bucket/prefix where logs and outputs of runs go while they run, for all servers to read. "
        "Default: the data folder of the server that runs them.",
    )
    s3_endpoint: str = _setting(
        "", "Address of an S3-compatible object storage for obs:// paths. Default: the data folder."
    )
    s3_access_key: str = _setting("", "Access key of that storage.")
    s3_secret_key: str = _setting("", "Secret key of that storage.", secret=True)
    s3_region: str = _setting("", "Region of that storage.")
    offset_mode: str = _setting(
        "page",
        "What `offset` counts in lists: page (as documented), record, or auto (records for Terraform and Kestra).",
    )
    limits: str = _setting(
        "open", "open: only what protects the server; strict: the cloud's documented quotas and rates, too."
    )
    subjob_levels: int = _setting(
        1, "How deep Subjob nodes may be nested; 1: a Subjob's job has none itself, as in the original."
    )
    job_levels: int = _setting(10, "How deep jobs may run jobs, through Subjob and For Each.")
    allow_loopback_requests: bool = _setting(
        False, "Let nodes, webhooks and Kafka triggers connect to loopback addresses."
    )
    secret_prefix: str = _setting(
        "",
        "Prefix of the environment variables that a connection's secret may refer to as env:NAME. Default: none may.",
    )
    secret_folder: Path | None = _setting(
        None, "Folder with a folder per workspace id, whose files a connection's secret may refer to as file:PATH."
    )
    public_url: str = _setting("", "Where people reach this server, for texts that lead to it.")
    smtp_host: str = _setting("", "Mail server that notices leave by. Default: no mail.")
    smtp_port: int = _setting(587, "Port of the mail server.")
    smtp_security: str = _setting("starttls", "How the mail server is spoken to: starttls, tls or none.")
    smtp_user: str = _setting("", "User of the mail server. Default: no log-in.")
    smtp_password: str = _setting("", "Password of that user.", secret=True)
    mail_from: str = _setting("", "Address that notices come from.")
    chat_services: str = _setting(
        "", "Schemes of Apprise that chat topics may use beside those with a vendor's fixed address, comma-separated."
    )
    least_free_bytes: int = _setting(
        1_000_000_000, "Free disk of the data folder below which new runs are refused; 0: never."
    )
    instance_days: int = _setting(180, "Days that ended instances are kept; 0: for ever.")
    log_days: int = _setting(30, "Days that logs and outputs of ended instances are kept; 0: for ever.")
    notice_days: int = _setting(30, "Days that notices that were told are kept; 0: for ever.")
    audit_days: int = _setting(365, "Days that audit records are kept; 0: for ever.")


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownSetting:
    """A setting as it may be shown: secrets are only said to be set."""

    name: str
    value: str
    source: str
    """`default`, `option`, or the environment variable that it comes from."""
    variable: str
    help: str


def shown(value: Any, *, secret: bool) -> str:
    """A setting's value as it may be shown."""
    if value is None or value == "":
        return ""
    if secret:
        return "(set)"
    if isinstance(value, frozenset):
        return ",".join(sorted(value))
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def explained(settings: Settings, environment: Mapping[str, str] | None = None) -> list[ShownSetting]:
    """All settings of a server with where their values come from, judged by its environment."""
    environment = os.environ if environment is None else environment
    found = []
    for each in fields(Settings):
        variable, value, source = variable_of(each.name), getattr(settings, each.name), "option"
        if value == each.default:
            source = "default"
        elif environment.get(variable) and _convert(each, environment[variable], variable) == value:
            source = variable
        text = shown(value, secret=each.metadata["secret"])
        found.append(
            ShownSetting(name=each.name, value=text, source=source, variable=variable, help=each.metadata["help"])
        )
    return found


def read_settings(environment: Mapping[str, str] | None = None, **given: Any) -> Settings:
    """Settings from the environment, overridden by `given` values that are not None.

    Raises `SettingInvalid` naming the variable and the way out.
    """
    environment = os.environ if environment is None else environment
    values: dict[str, Any] = {}
    for each in fields(Settings):
        variable = variable_of(each.name)
        if given.get(each.name) is not None:
            values[each.name] = _convert(each, given[each.name], f"--{each.name.replace('_', '-')}")
        elif environment.get(variable):
            values[each.name] = _convert(each, environment[variable], variable)
    return Settings(**values)


def default_data_folder() -> Path:
    """The platform's folder for user data. Raises `SettingInvalid` where there is none."""
    import platformdirs

    try:
        return platformdirs.user_data_path("arkwright", appauthor=False).absolute()
    except RuntimeError as error:
        raise SettingInvalid(
            "This user has no home folder, so there is no usual place for the data folder.",
            hint="Name one with --data or ARKWRIGHT_DATA.",
        ) from error


def expanded(value: str | Path, source: str) -> Path:
    """With `~` and `~user` replaced. Raises `SettingInvalid`."""
    if value == "":  # as where a shell's variable is not set; it would mean the folder that one is in
        raise SettingInvalid(f"{source} is empty.", hint="Name a path, or leave it out.")
    try:
        return Path(value).expanduser()
    except RuntimeError as error:
        raise SettingInvalid(f"{source}: there is no home folder that {str(value)!r} could mean.") from error


def check_database_url(url: str, source: str) -> str:
    """Raises `SettingInvalid`, which doesn't repeat the address: a password may stand in it."""
    if url and not url.startswith(("postgresql://", "postgres://")):
        raise SettingInvalid(
            f"{source} must be postgresql://USER@HOST/DATABASE.",
            hint="Leave it out for the embedded database, which is in the data folder.",
        )
    return url


def _convert(setting: Field[Any], value: Any, source: str) -> Any:
    """By the type that the setting is declared with."""
    if not isinstance(value, str):
        return value
    match setting.type:
        case "int":
            try:
                number = int(value)
            except ValueError:
                raise SettingInvalid(f"{source} must be a whole number, not {value!r}.") from None
            if number < 0 or (setting.name in {"port", "smtp_port"} and number > 65535):
                raise SettingInvalid(f"{source} is out of range: {number}.")
            if not number and setting.name in NEVER_ZERO:
                raise SettingInvalid(f"{source} must be at least 1.")
            return number
        case "float":
            try:
                seconds = float(value)
            except ValueError:
                raise SettingInvalid(f"{source} must be a number of seconds, not {value!r}.") from None
            if not 1 <= seconds <= 3600:
                raise SettingInvalid(f"{source} must be from 1 to 3600 seconds, not {value}.")
            return seconds
        case "bool":
            if value.lower() in {"1", "true", "yes", "on"}:
                return True
            if value.lower() in {"0", "false", "no", "off"}:
                return False
            raise SettingInvalid(f"{source} must be true or false, not {value!r}.")
        case "Path | None":
            return expanded(value, source)
        case "frozenset[str]":
            roles = frozenset(part.strip() for part in value.split(",") if part.strip())
            if not roles or not roles <= ROLES:
                raise SettingInvalid(f"{source} takes {', '.join(sorted(ROLES))}, comma-separated, not {value!r}.")
            return roles
    if setting.name == "database_url":
        return check_database_url(value, source)
    choices = CHOICES.get(setting.name)
    if choices is not None and value not in choices:
        raise SettingInvalid(f"{source} takes one of {', '.join(choices)}, not {value!r}.")
    return value
