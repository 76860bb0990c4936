"""A setting of the server as it may be shown."""

from __future__ import annotations

from msgspec import Struct


class ServerSetting(Struct, frozen=True, kw_only=True):
    name: str
    value: str
    """Secrets are only said to be set."""
    source: str
    """`default`, `option`, or the environment variable that it comes from."""
    variable: str
    help: str
