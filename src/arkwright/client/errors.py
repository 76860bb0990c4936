"""What can go wrong between a client and a server.

ArkwrightError
└── ClientError            the call did not do what was asked
    ├── ApiError           the server answered with an error
    ├── NotReachable       no answer: nobody listens there, or the connection broke
    └── AnswerUnusable     an answer that this client can't read (another server, another version)
"""

from __future__ import annotations

from arkwright.errors import ArkwrightError


class ClientError(ArkwrightError):
    """The call did not do what was asked."""


class ApiError(ClientError):
    """The server answered with an error."""

    def __init__(self, *, status: int, error_code: str, message: str, hint: str = "", request_id: str = "") -> None:
        self.status = status
        self.error_code = error_code
        self.request_id = request_id
        super().__init__(message or f"The server answered with status {status}.", hint=hint)


class NotReachable(ClientError):
    """The server did not answer."""


class AnswerUnusable(ClientError):
    """The answer is not one of Arkwright's."""
