"""What connections say, in the spellings they were saved in: address, user, password, TLS."""

from __future__ import annotations

from collections.abc import Sequence

from arkwright.core.outcome import FailureKind
from arkwright.nodes.base import Connection, Failed

HOST = ("ip", "host", "address", "hostname")
USER = ("username", "user")
PASSWORD = ("password", "userpwd", "passwd", "pwd")
DATABASE = ("database", "databasename", "dbname", "db")
_TLS = ("sslenable", "ssl", "usessl")


def setting(connection: Connection, names: Sequence[str]) -> str:
    """One of the connection's settings."""
    for key, value in connection.config.items():
        if key.lower().replace("_", "").replace("-", "") in names and value not in (None, ""):
            return str(value).strip()
    return ""


def is_tls(connection: Connection) -> bool:
    return setting(connection, _TLS).lower() == "true"


def where(connection: Connection, default_port: int) -> tuple[str, int] | Failed:
    """Host and port."""
    host, port = setting(connection, HOST), setting(connection, ("port",))
    if "," in host or host.count(":") == 1:  # `host:port`, of several the first
        host, _, inside = host.partition(",")[0].strip().partition(":")
        port = port or inside
    if not host:
        cluster = setting(connection, ("clustername", "clusterid"))
        return _refused(
            f"The connection {connection.name!r} says no address"
            + (f", only the cloud's cluster {cluster!r}" if cluster else "")
            + ": set config.ip and config.port."
        )
    if port and not (port.isdigit() and 0 < int(port) < 65536):
        return _refused(f"The connection {connection.name!r} has the port {port!r}.")
    return host, int(port) if port else default_port


def _refused(message: str) -> Failed:
    return Failed(kind=FailureKind.REFUSED, message=message)
