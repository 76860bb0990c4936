"""How Dask is set up, on all three sides: engine, scheduler, worker. Measured in the design's notes on technology.

* `allowed-failures: 0`: a task whose worker died is given back to us at once, and not tried elsewhere blindly;
* `worker-ttl`: a worker that froze is given up after that;
* `worker-saturation: 1.0`: the scheduler keeps what no worker is free for, so that a worker's end touches little;
* no profiler, no dashboard: they cost a tenth of a core, and the dashboard has no log-in.

Dask trusts whoever can connect: a client may run any code on any worker. So beyond one machine only `tls://`, where
both sides show a certificate of the same authority.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from arkwright.errors import SettingInvalid

SCHEMES = {"dask": "tcp", "tcp": "tcp", "tls": "tls"}
RETRY_SECONDS = (0.2, 0.5, 1.0, 2.0, 5.0)
"""Before the next try to reach a scheduler."""
GROUP_RESOURCE = "group."
"""Before a group's name, the resource that its workers have and its attempts need."""

SETTINGS: Mapping[str, Any] = {
    "distributed.scheduler.allowed-failures": 0,
    "distributed.scheduler.worker-ttl": "60s",
    "distributed.scheduler.worker-saturation": 1.0,
    "distributed.scheduler.work-stealing": False,
    "distributed.worker.profile.enabled": False,
    "distributed.worker.memory.target": False,
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.pause": False,
    "distributed.worker.memory.terminate": False,
    "distributed.comm.timeouts.connect": "5s",
    "distributed.admin.tick.limit": "30s",
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DaskAddress:
    """Where the scheduler is, and what this side proves itself with."""

    url: str
    """`tcp://…` or `tls://…`, as Dask writes it."""
    ca: Path | None = None
    cert: Path | None = None
    key: Path | None = None

    @property
    def encrypted(self) -> bool:
        return self.url.startswith("tls://")

    @property
    def loopback(self) -> bool:
        """Whether only this machine reaches it."""
        return urlsplit(self.url).hostname in ("127.0.0.1", "::1", "localhost")


def read_address(
    given: str, *, ca: Path | None, cert: Path | None, key: Path | None, names: tuple[str, str, str, str]
) -> DaskAddress:
    """`names`: of the four settings, for what is wrong with them. Raises `SettingInvalid`."""
    parts = urlsplit(given)
    scheme = SCHEMES.get(parts.scheme)
    try:
        port = parts.port
    except ValueError:
        port = None
    if scheme is None or not parts.hostname or port is None:
        raise SettingInvalid(
            f"{names[0]} must be dask://HOST:PORT or tls://HOST:PORT, not {given!r}.",
            hint="It is the address of a Dask scheduler: `arkwright dask-scheduler` starts one.",
        )
    files = {names[1]: ca, names[2]: cert, names[3]: key}
    if scheme == "tls":
        for name, file in files.items():
            if file is None:
                raise SettingInvalid(
                    f"{name} is missing: {given} needs certificates on both sides.",
                    hint="`arkwright certificates make DIR --name HOST` makes them.",
                )
            if not file.is_file():
                raise SettingInvalid(f"{name} names {file}, and there is no such file.")
    elif any(file is not None for file in files.values()):
        raise SettingInvalid(
            f"{names[0]} is {given}, which is not encrypted, so the certificates would do nothing.",
            hint="Write tls://HOST:PORT.",
        )
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return DaskAddress(url=f"{scheme}://{host}:{port}", ca=ca, cert=cert, key=key)


def configure(*, level: int = logging.WARNING) -> None:
    """In this process. `level`: of what Dask itself has to say. Raises `SettingInvalid` without Dask."""
    dask = _imported()
    dask.config.set(dict(SETTINGS))
    for name in ("distributed", "tornado"):  # Dask's import has set up loggers of its own, each with its handler
        for each in (name, *(other for other in logging.root.manager.loggerDict if other.startswith(f"{name}."))):
            logger = logging.getLogger(each)
            logger.handlers.clear()
            logger.propagate = True
            logger.setLevel(logging.NOTSET if "." in each else level)


def security(address: DaskAddress) -> Any:
    """Dask's `Security`; None: nothing is encrypted."""
    if not address.encrypted:
        return None
    from distributed.security import Security

    files = {
        f"tls_{role}_{part}": str(file)
        for role in ("client", "scheduler", "worker")
        for part, file in (("cert", address.cert), ("key", address.key))
    }
    make: Any = Security
    return make(tls_ca_file=str(address.ca), require_encryption=True, **files)


def _imported() -> Any:
    try:
        import dask
        import distributed  # noqa: F401  it registers its defaults
    except ImportError:
        raise SettingInvalid(
            "Workers need Dask, which is not installed.", hint="Install it: pip install 'arkwright[dask]'."
        ) from None
    return dask
