"""How a connection to PostgreSQL is made."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

CONNECT_SECONDS = 10.0
COMMAND_SECONDS = 60.0


def without_password(address: str) -> str:
    """The address for people: where the server is, and which database."""
    parts = urlsplit(address)
    host = parts.netloc.rpartition("@")[2] or ",".join(parse_qs(parts.query).get("host", ()))
    return f"postgresql://{host}{parts.path}"


def settings(frozen_seconds: float) -> dict[str, Any]:
    """What each connection of a store is made with."""
    return {
        "timeout": CONNECT_SECONDS,
        "command_timeout": COMMAND_SECONDS,
        "statement_cache_size": 500,
        "max_cached_statement_lifetime": 0,
        "server_settings": {
            "application_name": "arkwright",
            "synchronous_commit": "on",
            # A frozen process must not keep others from taking over.
            "idle_in_transaction_session_timeout": str(int(frozen_seconds * 1000)),
            # Compiling costs more than any of these statements takes.
            "jit": "off",
        },
    }


async def keep_settings(connection: Any) -> None:
    """Nothing here changes a connection's settings, so nothing is put back when it returns to the pool."""
