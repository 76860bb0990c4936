"""What mail leaves by, and how a try to send ended. Here, since what sends is imported only when it is needed."""

from __future__ import annotations

from dataclasses import dataclass


class NotSent(Exception):
    """The message did not leave, or nobody knows that it did; the text says why, for an operator, without secrets."""

    def __init__(self, why: str, *, final: bool = False, retry_after_seconds: int | None = None) -> None:
        super().__init__(why)
        self.final = final
        """Trying again can't help."""
        self.retry_after_seconds = retry_after_seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class MailServer:
    """How mail leaves; `host` empty: it does not."""

    host: str = ""
    port: int = 587
    user: str = ""
    password: str = ""
    security: str = "starttls"
    """`starttls`, `tls` or `none`."""
    sender: str = ""
