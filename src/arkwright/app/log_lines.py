"""Which lines a server writes to its log."""

from __future__ import annotations

import logging

from arkwright.errors import DatabaseAway


class SaidOnce(logging.Filter):
    """Leaves out what everybody would say who meets a database that is away: the store has said so (`store/absence`),
    and says when it is back. What ends something is said all the same."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno >= logging.CRITICAL or not record.name.startswith("arkwright"):
            return True
        said = [*record.args] if isinstance(record.args, tuple) else []
        if record.exc_info:
            said.append(record.exc_info[1])
        return not any(isinstance(each, DatabaseAway) for each in said)
