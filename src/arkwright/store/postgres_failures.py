"""What a call of the PostgreSQL driver can raise, and what that means to callers of the store.

Rules: whatever a call raises is the database's failure if it is one of `FAILURES`, or if its connection is gone
afterwards. The driver tells of a broken connection in many ways: of a state of its own that it can't leave
(`InternalClientError`, when the server said that it goes between two calls), of a transport that is closed, of a
connection that its pool has taken back meanwhile. Anything else is a bug of ours, and stays what it is.
"""

from __future__ import annotations

import asyncio
from typing import Any, cast

import asyncpg  # type: ignore[import-untyped]

from arkwright.errors import AlreadyExists, InvalidInput, StoreUnavailable

FAILURES = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
    asyncio.TimeoutError,
)
AGAIN = (
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
    asyncpg.InvalidCachedStatementError,
)
"""What may go well if it is done once more."""


def gone(connection: Any) -> bool:
    """Whether a connection can't be used any more."""
    if connection is None:
        return True
    try:
        closed: bool = connection.is_closed()
    except asyncpg.InterfaceError:  # it broke, and its pool has taken it back: it answers nothing
        return True
    return closed


def failure(error: Exception, connection: Any) -> Exception:
    """What a call on this connection raised, as one of `FAILURES`. Raises it again if it is a bug."""
    if isinstance(error, FAILURES):
        return cast(Exception, error)
    if not gone(connection):
        raise error
    broken: Exception = asyncpg.ConnectionDoesNotExistError(f"the connection broke: {error!r}")
    broken.__cause__ = error
    return broken


def as_ours(error: BaseException) -> BaseException:
    """A database error as one of ours; bugs stay what they are."""
    if isinstance(error, asyncpg.IntegrityConstraintViolationError):
        return AlreadyExists(f"The database refused the row: {error}.")
    # The second is the driver's own refusal to encode a value.
    if isinstance(error, asyncpg.DataError) or (
        isinstance(error, asyncpg.InterfaceError) and isinstance(error, ValueError)
    ):
        return InvalidInput(f"The database can't hold a value: {error}.")
    if isinstance(error, AGAIN):
        return StoreUnavailable(
            f"The database ended it in favour of others, each time it was tried: {error}.",
            hint="Nothing of it was done: send it again.",
        )
    if isinstance(error, FAILURES):
        return StoreUnavailable(f"The database can't be used: {str(error) or type(error).__name__}.")
    return error


def all_busy(error: BaseException, pool: Any) -> StoreUnavailable | None:
    """Where a call has waited for one of a pool's connections, and all are there: that is no database that is away."""
    if not isinstance(error, TimeoutError) or pool is None or pool.get_size() < pool.get_max_size():
        return None
    return StoreUnavailable(
        f"All {pool.get_max_size()} connections that read have been busy for too long.",
        hint="There is more to read at once than the database or this machine can do: send it again later.",
    )
