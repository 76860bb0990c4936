"""Every error that Arkwright raises on purpose, as one tree.

    ArkwrightError
    ├── InvalidInput          something a caller sent breaks a rule; nothing was changed
    │   ├── NotFound          the thing named does not exist
    │   ├── AlreadyExists     the name is taken
    │   └── IllegalState      the thing exists, but its state forbids what was asked
    ├── IllegalTransition     the core was given an event its state does not allow (nothing changed)
    ├── Unauthenticated       no credential, or a wrong one
    ├── Forbidden             a good credential without the right
    ├── TooManyRequests       try again later (`retry_after_seconds`)
    ├── NoRoom                not enough free disk to begin something new (`retry_after_seconds`)
    ├── IdempotencyConflict   one Idempotency-Key, two different requests
    ├── StaleWrite            somebody else wrote first, or owns the instance now
    ├── FolderLocked          another server owns the data folder
    ├── StoreUnavailable      the database can't be reached or is not usable
    │   ├── DatabaseAway      there is no connection to its server; the log has said so, once
    │   └── LeaseLost         another server does this work by now; nothing was written
    └── SettingInvalid        a setting can't be used as it is

Rules: an error says what happened, to which thing, and what to do; its data are attributes; it carries a
stable `code`. HTTP words live in `api/error_codes.py`, which maps codes to statuses and documented texts.
"""

from __future__ import annotations

from enum import StrEnum


class Code(StrEnum):
    """Stable codes of Arkwright's errors. The API translates them to the documented `DLF.…` codes."""

    PARAMETER_INVALID = "parameter-invalid"
    JOB_NAME_EMPTY = "job-name-empty"
    JOB_NAME_INVALID = "job-name-invalid"
    JOB_WITHOUT_NODES = "job-without-nodes"
    JOB_TYPE_INVALID = "job-type-invalid"
    JOB_NOT_BATCH = "job-not-batch"
    JOB_SCHEDULE_INVALID = "job-schedule-invalid"
    JOB_DESCRIPTION_INVALID = "job-description-invalid"
    SCRIPT_TYPE_MISSING = "script-type-missing"
    JOB_NOT_FOUND = "job-not-found"
    JOB_EXISTS = "job-exists"
    SCRIPT_NOT_FOUND = "script-not-found"
    SCRIPT_EXISTS = "script-exists"
    INSTANCE_NOT_FOUND = "instance-not-found"
    NODE_NOT_FOUND = "node-not-found"
    WORKSPACE_NOT_FOUND = "workspace-not-found"
    OBJECT_NOT_FOUND = "object-not-found"
    OBJECT_EXISTS = "object-exists"
    ILLEGAL_STATE = "illegal-state"
    ILLEGAL_TRANSITION = "illegal-transition"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    TOO_MANY_REQUESTS = "too-many-requests"
    NO_ROOM = "no-room"
    IDEMPOTENCY_CONFLICT = "idempotency-conflict"
    STALE_WRITE = "stale-write"
    FOLDER_LOCKED = "folder-locked"
    STORE_UNAVAILABLE = "store-unavailable"
    SETTING_INVALID = "setting-invalid"
    INTERNAL = "internal"


class ArkwrightError(Exception):
    """Something went wrong."""

    code: Code = Code.INTERNAL

    def __init__(self, message: str = "", *, hint: str = "", code: Code | None = None) -> None:
        self.message = message or (self.__doc__ or "").strip().splitlines()[0]
        self.hint = hint
        if code is not None:
            self.code = code
        super().__init__(self.message)

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class InvalidInput(ArkwrightError):
    """The request breaks a rule."""

    code = Code.PARAMETER_INVALID

    def __init__(self, message: str = "", *, field: str = "", hint: str = "", code: Code | None = None) -> None:
        self.field = field
        super().__init__(message, hint=hint, code=code)


class NotFound(InvalidInput):
    """The thing named does not exist."""

    code = Code.OBJECT_NOT_FOUND


class AlreadyExists(InvalidInput):
    """The name is taken."""

    code = Code.OBJECT_EXISTS


class IllegalState(InvalidInput):
    """The state of the thing does not allow this."""

    code = Code.ILLEGAL_STATE


class IllegalTransition(ArkwrightError):
    """The state does not allow the event; nothing was changed."""

    code = Code.ILLEGAL_TRANSITION

    def __init__(self, state: str, event: str, *, hint: str = "") -> None:
        self.state = state
        self.event = event
        super().__init__(f"{event} is not allowed while the state is {state}.", hint=hint)


class Unauthenticated(ArkwrightError):
    """The request carries no valid credential."""

    code = Code.UNAUTHENTICATED


class Forbidden(ArkwrightError):
    """The credential does not carry the right to do this."""

    code = Code.FORBIDDEN


class TooManyRequests(ArkwrightError):
    """Too many requests; try again later."""

    code = Code.TOO_MANY_REQUESTS

    def __init__(self, message: str = "", *, retry_after_seconds: int = 1, hint: str = "") -> None:
        self.retry_after_seconds = retry_after_seconds
        super().__init__(message, hint=hint)


class NoRoom(ArkwrightError):
    """There is not enough free disk to begin something new."""

    code = Code.NO_ROOM

    def __init__(self, message: str = "", *, retry_after_seconds: int = 30, hint: str = "") -> None:
        self.retry_after_seconds = retry_after_seconds
        super().__init__(message, hint=hint)


class IdempotencyConflict(ArkwrightError):
    """This Idempotency-Key was used with another request."""

    code = Code.IDEMPOTENCY_CONFLICT


class StaleWrite(ArkwrightError):
    """The row was changed by somebody else, or is owned by another engine now."""

    code = Code.STALE_WRITE


class FolderLocked(ArkwrightError):
    """Another server is using this data folder."""

    code = Code.FOLDER_LOCKED


class StoreUnavailable(ArkwrightError):
    """The database can't be used now."""

    code = Code.STORE_UNAVAILABLE


class DatabaseAway(StoreUnavailable):
    """There is no connection to the database's server. Its store says so in the log, and when it is back."""


class LeaseLost(StoreUnavailable):
    """Another server holds the lease that this write depends on."""


class SettingInvalid(ArkwrightError):
    """A setting can't be used as it is."""

    code = Code.SETTING_INVALID
