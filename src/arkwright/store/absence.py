"""Whether a database server is there: told once in the log when it goes, and once when it is back.

Rules: it has gone when something could not be done because there was no connection, and it is back when something
could be. Whoever meets `DatabaseAway` in between need not tell of it (`app/log_lines`).
"""

from __future__ import annotations

import logging
import time

from arkwright.errors import DatabaseAway

log = logging.getLogger("arkwright.store")


class Absence:
    def __init__(self) -> None:
        self._since: float | None = None

    def met(self, error: BaseException) -> DatabaseAway:
        """There was no connection, or it broke; the error for who needed it."""
        reason = str(error) or type(error).__name__
        if self._since is None:
            self._since = time.monotonic()
            log.error("The database is away (%s). What needs it waits or is refused until it is back.", reason)
        return DatabaseAway(f"The database can't be used: {reason}.")

    def over(self) -> None:
        """Something was done."""
        if self._since is not None:
            log.warning("The database is back after %.1f s.", time.monotonic() - self._since)
            self._since = None
