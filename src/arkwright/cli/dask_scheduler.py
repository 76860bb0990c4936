"""`arkwright dask-scheduler`: a Dask scheduler with the settings that attempts need."""

from __future__ import annotations

import json
import logging
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import rich_click as click

from arkwright.cli.lasting import lasting_imports
from arkwright.errors import SettingInvalid

if TYPE_CHECKING:
    from arkwright.executors.dask_settings import DaskAddress

log = logging.getLogger("arkwright.dask")

F = TypeVar("F", bound=Callable[..., Any])

_FILE = click.Path(dir_okay=False, path_type=Path)


def certificates_options(function: F) -> F:
    """The three files of mutual TLS."""
    for name, what in (
        ("--tls-key", "Key file (PEM) of that certificate, for tls://."),
        ("--tls-cert", "Certificate file (PEM) to show, for tls://."),
        ("--tls-ca", "Certificate (PEM) of the authority that all others show one of, for tls://."),
    ):
        function = click.option(name, metavar="FILE", type=_FILE, help=what)(function)
    return function


def check_certificates(address: DaskAddress) -> None:
    """Raises `SettingInvalid` for files that Dask could only break down over, or try again for ever."""
    if address.ca and address.cert and address.key:
        from arkwright.certificates import check_authority, check_pair, check_time

        check_authority(address.ca, name="--tls-ca")
        check_pair(address.cert, address.key, names=("--tls-cert", "--tls-key"))
        check_time(address.cert, name="--tls-cert")


@click.command("dask-scheduler")
@click.option(
    "--listen",
    metavar="URL",
    default="dask://127.0.0.1:8786",
    show_default=True,
    help="dask://HOST:PORT or tls://HOST:PORT; port 0 picks a free one.",
)
@certificates_options
@click.option("--json", "as_json", is_flag=True, help="Tell the address as one line of JSON on stdout once it listens.")
def dask_scheduler(
    *, listen: str, tls_ca: Path | None, tls_cert: Path | None, tls_key: Path | None, as_json: bool
) -> None:
    """Run the scheduler that brings nodes to workers.

    It keeps nothing: it may be killed and started again at any time.

    Dask has no log-in: whoever reaches it may run anything on the workers. Beyond one machine use tls://.

    \b
      arkwright certificates make certs --name db1
      arkwright dask-scheduler --listen tls://0.0.0.0:8786 --tls-ca certs/ca.pem --tls-cert certs/worker.pem \\
        --tls-key certs/worker-key.pem
    """
    import asyncio

    from arkwright.executors.dask_settings import read_address

    address = read_address(
        listen, ca=tls_ca, cert=tls_cert, key=tls_key, names=("--listen", "--tls-ca", "--tls-cert", "--tls-key")
    )
    check_certificates(address)
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    asyncio.run(_serve(address, as_json))


async def _serve(address: Any, as_json: bool) -> None:
    import asyncio

    with lasting_imports():
        from arkwright.executors.dask_settings import configure, security

        configure()
        from distributed import Scheduler

    stopped = asyncio.Event()
    for each in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(each, stopped.set)
    scheduler = Scheduler(
        host=address.url, security=security(address), dashboard=False, dashboard_address="127.0.0.1:0"
    )
    try:
        await scheduler
    except (OSError, RuntimeError) as error:  # Dask wraps what the system said
        why = error.__cause__ if isinstance(error.__cause__, OSError) else error
        raise SettingInvalid(
            f"Can't listen on {address.url}: {getattr(why, 'strerror', None) or why}.",
            hint="Another program uses it, or the address is not this machine's; choose another one with --listen.",
        ) from None
    try:
        if not address.encrypted and not address.loopback:
            log.warning(
                "%s is not encrypted and has no log-in: whoever reaches it may run anything on the workers. "
                "Use tls://, or see to it that nobody else is on that network.",
                scheduler.address,
            )
        if as_json:
            print(json.dumps({"address": scheduler.address}), flush=True)
        else:
            print(f"The Dask scheduler listens on {scheduler.address}", file=sys.stderr)
        await stopped.wait()
    finally:
        await scheduler.close()
