"""The first start: makes the installation, and writes its credentials."""

from __future__ import annotations

import logging
from pathlib import Path

import tzlocal

from arkwright.app.data_folder import credentials_csv
from arkwright.engine.clock import SystemClock
from arkwright.iam.bootstrap import Credentials, Given, bootstrap
from arkwright.iam.directory import Directory
from arkwright.iam.passwords import Passwords
from arkwright.own_folder import write_private
from arkwright.settings import Settings

log = logging.getLogger("arkwright")


async def first_start(settings: Settings, data: Path, directory: Directory, passwords: Passwords) -> Path | None:
    """Make the installation, if there is none; the file with the credentials that this made."""
    given = Given(
        project_id=settings.project_id or None,
        domain_name=settings.domain or None,
        admin_user=settings.admin_user or None,
        admin_password=settings.admin_password or None,
        access_key=settings.access_key or None,
        secret_key=settings.secret_key or None,
        time_zone=settings.time_zone or machine_time_zone(),
    )
    path = data / "credentials.csv"

    def keep(made: Credentials) -> None:
        write_private(path, credentials_csv(made))

    outcome = await bootstrap(directory, passwords, given, now_ms=SystemClock().now_ms(), keep=keep)
    for warning in outcome.warnings:
        log.warning("%s", warning)
    return path if outcome.created is not None else None


def machine_time_zone() -> str:
    try:
        return tzlocal.get_localzone_name() or "UTC"
    except (LookupError, ValueError):  # a machine whose zone has no name
        return "UTC"
