"""All settings of the server: one frozen record, each field with its default, unit and help.

The same table makes `arkwright config`, the names of the environment variables and the documentation page.
Settings are read only in `app/` and `cli/`; everything below is given plain values.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from arkwright.errors import SettingInvalid

ROLES = frozenset({"api", "engine", "scheduler"})
OFFSET_MODES = ("page", "record", "auto")
LIMIT_MODES = ("open", "strict")
SMTP_SECURITY = ("starttls", "tls", "none")
WHOLE_NUMBERS = frozenset(
    {
        *("program_memory_bytes", "program_processes", "program_open_files", "program_seconds", "host_memory_bytes"),
        *("port", "max_programs", "log_cap_bytes", "body_limit_bytes", "object_limit_bytes", "smtp_port"),
        *("subjob_levels", "job_levels"),
        *("least_free_bytes", "instance_days", "log_days", "notice_days", "audit_days"),
    }
)


def _setting(default: Any, text: str, *, variable: str | None = None, secret: bool = False) -> Any:
    return field(default=default, metadata={"help": text, "variable": variable, "secret": secret})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    host: str = _setting("127.0.0.1", "Address to listen on.", variable="ARKWRIGHT_HOST")
    port: int = _setting(8990, "Port to listen on; 0 picks a free one.", variable="ARKWRIGHT_PORT")
    data: Path | None = _setting(
        None, "Data folder. Default: the platform's folder for user data.", variable="ARKWRIGHT_DATA"
    )
    database_url: str = _setting(
        "",
        "postgresql://… for PostgreSQL. Default: SQLite in the data folder.",
        variable="ARKWRIGHT_DATABASE_URL",
        secret=True,
    )
    roles: frozenset[str] = _setting(
        ROLES,
        "What this process does, comma-separated: api, engine, scheduler. Some of them only: with PostgreSQL.",
        variable="ARKWRIGHT_ROLES",
    )
    lease_seconds: float = _setting(
        15.0,
        "Seconds without a word after which other servers take over a server's work.",
        variable="ARKWRIGHT_LEASE_SECONDS",
    )
    seal_key_file: Path | None = _setting(
        None,
        "File with the keys that secrets are sealed with, which servers on one database share. Default: secret.key in "
        "the data folder.",
        variable="ARKWRIGHT_SEAL_KEY_FILE",
    )
    metrics_token: str = _setting(
        "",
        "Token that /metrics is read with. Default: an administrator's, or none on this machine.",
        variable="ARKWRIGHT_METRICS_TOKEN",
        secret=True,
    )
    time_zone: str = _setting(
        "", "Time zone of new workspaces (IANA or GMT+8). Default: the machine's.", variable="ARKWRIGHT_TIME_ZONE"
    )
    project_id: str = _setting("", "Id of the default project.", variable="ARKWRIGHT_PROJECT_ID")
    domain: str = _setting("arkwright", "Name of the default domain (account).", variable="ARKWRIGHT_DOMAIN")
    admin_user: str = _setting("admin", "Name of the first administrator.", variable="ARKWRIGHT_ADMIN_USER")
    admin_password: str = _setting(
        "", "Password of the first administrator.", variable="ARKWRIGHT_ADMIN_PASSWORD", secret=True
    )
    access_key: str = _setting("", "Access key of the first administrator.", variable="ARKWRIGHT_ACCESS_KEY")
    secret_key: str = _setting(
        "", "Secret key of the first administrator.", variable="ARKWRIGHT_SECRET_KEY", secret=True
    )
    tls_cert: Path | None = _setting(None, "Certificate file (PEM) to serve HTTPS.", variable="ARKWRIGHT_TLS_CERT")
    tls_key: Path | None = _setting(None, "Key file (PEM) of the certificate.", variable="ARKWRIGHT_TLS_KEY")
    insecure_http: bool = _setting(
        False, "Allow plain HTTP on an address that is not loopback.", variable="ARKWRIGHT_INSECURE_HTTP"
    )
    trusted_proxies: str = _setting(
        "",
        "Addresses of reverse proxies whose X-Forwarded headers are believed, comma-separated.",
        variable="ARKWRIGHT_TRUSTED_PROXIES",
    )
    max_programs: int = _setting(64, "Local programs that may run at the same time.", variable="ARKWRIGHT_MAX_PROGRAMS")
    program_memory_bytes: int = _setting(
        0,
        "Most memory of a local program, in bytes; workspaces and nodes may say less. 0: no limit.",
        variable="ARKWRIGHT_PROGRAM_MEMORY_BYTES",
    )
    program_processes: int = _setting(
        1000,
        "Most processes that a local program may have at a time. 0: no limit.",
        variable="ARKWRIGHT_PROGRAM_PROCESSES",
    )
    program_open_files: int = _setting(
        0,
        "Most files that a process of a local program may have open. 0: the system's limit.",
        variable="ARKWRIGHT_PROGRAM_OPEN_FILES",
    )
    program_seconds: int = _setting(
        0, "Most seconds that a local program may run. 0: no limit.", variable="ARKWRIGHT_PROGRAM_SECONDS"
    )
    host_memory_bytes: int = _setting(
        0,
        "Most memory of a process in which SQL and REST nodes of a workspace run, in bytes. 0: no limit.",
        variable="ARKWRIGHT_HOST_MEMORY_BYTES",
    )
    executor: str = _setting(
        "local",
        "Where programs of nodes run: local, or dask://HOST:PORT or tls://HOST:PORT of a Dask scheduler with workers; "
        "GROUP=URL names one for that group alone. May be repeated; in the variable, comma-separated.",
        variable="ARKWRIGHT_EXECUTOR",
    )
    executor_ca: Path | None = _setting(
        None,
        "Certificate (PEM) of the authority that scheduler and workers show one of.",
        variable="ARKWRIGHT_EXECUTOR_CA",
    )
    executor_cert: Path | None = _setting(
        None, "Certificate file (PEM) that the scheduler is shown.", variable="ARKWRIGHT_EXECUTOR_CERT"
    )
    executor_key: Path | None = _setting(None, "Key file (PEM) of that certificate.", variable="ARKWRIGHT_EXECUTOR_KEY")
    worker_group: str = _setting(
        "default",
        "Group of workers that runs the programs of nodes that name none; local: this machine does.",
        variable="ARKWRIGHT_WORKER_GROUP",
    )
    attempt_lease_seconds: float = _setting(
        20.0,
        "Seconds without a word after which what a worker runs counts as lost; it tells of itself four times as often.",
        variable="ARKWRIGHT_ATTEMPT_LEASE_SECONDS",
    )
    log_cap_bytes: int = _setting(
        30_000_000, "Bytes of a node's log that are kept.", variable="ARKWRIGHT_LOG_CAP_BYTES"
    )
    body_limit_bytes: int = _setting(
        12 * 1024 * 1024, "Largest request body, in bytes.", variable="ARKWRIGHT_BODY_LIMIT_BYTES"
    )
    object_limit_bytes: int = _setting(
        5 * 1024**3, "Largest object that can be uploaded, in bytes.", variable="ARKWRIGHT_OBJECT_LIMIT_BYTES"
    )
    objects_folder: Path | None = _setting(
        None,
        "Folder for obs:// paths, which several servers may share. Default: obs in the data folder.",
        variable="ARKWRIGHT_OBJECTS_FOLDER",
    )
    log_store: str = _setting(
        "",
        "obs://bucket/prefix where logs and outputs of runs go while they run, for all servers to read. "
        "Default: the data folder of the server that runs them.",
        variable="ARKWRIGHT_LOG_STORE",
    )
    s3_endpoint: str = _setting(
        "",
        "Address of an S3-compatible object storage for obs:// paths. Default: the data folder.",
        variable="ARKWRIGHT_S3_ENDPOINT",
    )
    s3_access_key: str = _setting("", "Access key of that storage.", variable="ARKWRIGHT_S3_ACCESS_KEY")
    s3_secret_key: str = _setting("", "Secret key of that storage.", variable="ARKWRIGHT_S3_SECRET_KEY", secret=True)
    s3_region: str = _setting("", "Region of that storage.", variable="ARKWRIGHT_S3_REGION")
    offset_mode: str = _setting(
        "page",
        "What `offset` counts in lists: page (as documented), record, or auto (records for Terraform and Kestra).",
        variable="ARKWRIGHT_OFFSET_MODE",
    )
    limits: str = _setting(
        "open",
        "open: only what protects the server; strict: the cloud's documented quotas and rates, too.",
        variable="ARKWRIGHT_LIMITS",
    )
    subjob_levels: int = _setting(
        1,
        "How deep Subjob nodes may be nested; 1: a Subjob's job has none itself, as in the original.",
        variable="ARKWRIGHT_SUBJOB_LEVELS",
    )
    job_levels: int = _setting(
        10, "How deep jobs may run jobs, through Subjob and For Each.", variable="ARKWRIGHT_JOB_LEVELS"
    )
    allow_loopback_requests: bool = _setting(
        False,
        "Let RESTAPI nodes and webhooks call loopback addresses.",
        variable="ARKWRIGHT_ALLOW_LOOPBACK_REQUESTS",
    )
    secret_prefix: str = _setting(
        "",
        "Prefix of the environment variables that a connection's secret may refer to as env:NAME. Default: none may.",
        variable="ARKWRIGHT_SECRET_PREFIX",
    )
    secret_folder: Path | None = _setting(
        None,
        "Folder with a folder per workspace id, whose files a connection's secret may refer to as file:PATH.",
        variable="ARKWRIGHT_SECRET_FOLDER",
    )
    public_url: str = _setting(
        "", "Where people reach this server, for texts that lead to it.", variable="ARKWRIGHT_PUBLIC_URL"
    )
    smtp_host: str = _setting(
        "", "Mail server that notices leave by. Default: no mail.", variable="ARKWRIGHT_SMTP_HOST"
    )
    smtp_port: int = _setting(587, "Port of the mail server.", variable="ARKWRIGHT_SMTP_PORT")
    smtp_security: str = _setting(
        "starttls", "How the mail server is spoken to: starttls, tls or none.", variable="ARKWRIGHT_SMTP_SECURITY"
    )
    smtp_user: str = _setting("", "User of the mail server. Default: no log-in.", variable="ARKWRIGHT_SMTP_USER")
    smtp_password: str = _setting("", "Password of that user.", variable="ARKWRIGHT_SMTP_PASSWORD", secret=True)
    mail_from: str = _setting("", "Address that notices come from.", variable="ARKWRIGHT_MAIL_FROM")
    chat_services: str = _setting(
        "",
        "Schemes of Apprise that chat topics may use beside those with a vendor's fixed address, comma-separated.",
        variable="ARKWRIGHT_CHAT_SERVICES",
    )
    least_free_bytes: int = _setting(
        1_000_000_000,
        "Free disk of the data folder below which new runs are refused; 0: never.",
        variable="ARKWRIGHT_LEAST_FREE_BYTES",
    )
    instance_days: int = _setting(
        180, "Days that ended instances are kept; 0: for ever.", variable="ARKWRIGHT_INSTANCE_DAYS"
    )
    log_days: int = _setting(
        30, "Days that logs and outputs of ended instances are kept; 0: for ever.", variable="ARKWRIGHT_LOG_DAYS"
    )
    notice_days: int = _setting(
        30, "Days that notices that were told are kept; 0: for ever.", variable="ARKWRIGHT_NOTICE_DAYS"
    )
    audit_days: int = _setting(365, "Days that audit records are kept; 0: for ever.", variable="ARKWRIGHT_AUDIT_DAYS")


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
        variable, value, source = each.metadata["variable"], getattr(settings, each.name), "option"
        if value == each.default:
            source = "default"
        elif environment.get(variable) and _convert(each.name, environment[variable], variable) == value:
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
        variable = each.metadata["variable"]
        if given.get(each.name) is not None:
            values[each.name] = _convert(each.name, given[each.name], f"--{each.name.replace('_', '-')}")
        elif environment.get(variable):
            values[each.name] = _convert(each.name, environment[variable], variable)
    return Settings(**values)


def check_database_url(url: str, source: str) -> str:
    """Raises `SettingInvalid`, which doesn't repeat the address: a password may stand in it."""
    if url and not url.startswith(("postgresql://", "postgres://")):
        raise SettingInvalid(
            f"{source} must be postgresql://USER@HOST/DATABASE.",
            hint="Leave it out for the embedded database, which is in the data folder.",
        )
    return url


def _convert(name: str, value: Any, source: str) -> Any:
    if not isinstance(value, str):
        return value
    match name:
        case name if name in WHOLE_NUMBERS:
            try:
                number = int(value)
            except ValueError:
                raise SettingInvalid(f"{source} must be a whole number, not {value!r}.") from None
            if number < 0 or (name in {"port", "smtp_port"} and number > 65535):
                raise SettingInvalid(f"{source} is out of range: {number}.")
            return number
        case "insecure_http" | "allow_loopback_requests":
            if value.lower() in {"1", "true", "yes", "on"}:
                return True
            if value.lower() in {"0", "false", "no", "off"}:
                return False
            raise SettingInvalid(f"{source} must be true or false, not {value!r}.")
        case (
            "data"
            | "tls_cert"
            | "tls_key"
            | "secret_folder"
            | "objects_folder"
            | "executor_ca"
            | "executor_cert"
            | "executor_key"
            | "seal_key_file"
        ):
            return Path(value).expanduser()
        case "database_url":
            return check_database_url(value, source)
        case "attempt_lease_seconds" | "lease_seconds":
            try:
                seconds = float(value)
            except ValueError:
                raise SettingInvalid(f"{source} must be a number of seconds, not {value!r}.") from None
            if not 1 <= seconds <= 3600:
                raise SettingInvalid(f"{source} must be from 1 to 3600 seconds, not {value}.")
            return seconds
        case "offset_mode":
            if value not in OFFSET_MODES:
                raise SettingInvalid(f"{source} takes one of {', '.join(OFFSET_MODES)}, not {value!r}.")
            return value
        case "smtp_security":
            if value not in SMTP_SECURITY:
                raise SettingInvalid(f"{source} takes one of {', '.join(SMTP_SECURITY)}, not {value!r}.")
            return value
        case "limits":
            if value not in LIMIT_MODES:
                raise SettingInvalid(f"{source} takes one of {', '.join(LIMIT_MODES)}, not {value!r}.")
            return value
        case "roles":
            roles = frozenset(part.strip() for part in value.split(",") if part.strip())
            if not roles or not roles <= ROLES:
                raise SettingInvalid(f"{source} takes {', '.join(sorted(ROLES))}, comma-separated, not {value!r}.")
            return roles
        case _:
            return value
