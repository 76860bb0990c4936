"""Refuses settings that would be unsafe, or can't work together, before anything is started."""

from __future__ import annotations

import ipaddress
import logging

from arkwright.errors import SettingInvalid
from arkwright.iam.administration import is_time_zone
from arkwright.settings import ROLES, Settings

log = logging.getLogger("arkwright")


def check_mail(settings: Settings) -> None:
    if settings.smtp_host and "@" not in settings.mail_from:
        raise SettingInvalid(
            "ARKWRIGHT_SMTP_HOST is set, and ARKWRIGHT_MAIL_FROM is no mail address.",
            hint="Set it to the address that notices come from.",
        )


def check_time_zone(settings: Settings) -> None:
    if settings.time_zone and not is_time_zone(settings.time_zone):
        raise SettingInvalid(
            f"ARKWRIGHT_TIME_ZONE is no time zone: {settings.time_zone!r}.",
            hint="Write an IANA name such as Europe/Berlin, or GMT+8.",
        )


def check_exposure(settings: Settings) -> None:
    if bool(settings.tls_cert) != bool(settings.tls_key):
        raise SettingInvalid("--tls-cert and --tls-key belong together.", hint="Give both, or neither.")
    if settings.tls_cert and settings.tls_key:
        from arkwright.certificates import check_pair, check_time  # only with TLS: it takes time to load

        check_pair(settings.tls_cert, settings.tls_key, names=("--tls-cert", "--tls-key"))
        try:
            check_time(settings.tls_cert, name="--tls-cert")
        except SettingInvalid as error:  # schedules go on, though nobody can ask for anything
            log.warning("%s", error)
    if settings.tls_cert or settings.insecure_http or settings.trusted_proxies:
        return
    try:
        loopback = ipaddress.ip_address(settings.host).is_loopback
    except ValueError:
        loopback = settings.host == "localhost"
    if not loopback:
        raise SettingInvalid(
            f"Listening on {settings.host} without TLS would send passwords and tokens in the clear.",
            hint="Give --tls-cert and --tls-key, or name the reverse proxy in ARKWRIGHT_TRUSTED_PROXIES, "
            "or accept the risk with --insecure-http.",
        )


def check_roles(settings: Settings) -> None:
    """An embedded database belongs to one process: what that doesn't do, nobody does."""
    if settings.database_url or settings.roles in (ROLES, {"api"}):
        return
    missing = ", ".join(sorted(ROLES - settings.roles))
    raise SettingInvalid(
        f"--roles {','.join(sorted(settings.roles))} with an embedded database: nobody would be {missing}.",
        hint="Leave --roles out, or share a PostgreSQL between servers with --database-url. "
        "(--roles api alone accepts runs and keeps them for a later start.)",
    )
