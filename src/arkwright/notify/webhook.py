"""Notices as signed HTTP requests, as "Standard Webhooks" describes them, so that receivers find libraries for it.

`webhook-id` is the batch's number and the same in every repetition, as is `Idempotency-Key`; `webhook-signature` is
an HMAC-SHA256 over id, time and body with the topic's secret. Every connection goes through the fence; redirects are
not followed, since a signed message is for the one who was named.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

import httpx2
import msgspec

from arkwright import __version__
from arkwright.nodes.network_fence import BROKEN, AddressRefused, Fence, FencedTransport
from arkwright.notify.message import Message
from arkwright.notify.outcome import NotSent
from arkwright.notify.topic import Topic

TIMEOUT_SECONDS = 20.0
LONGEST_WAIT_SECONDS = 3600

_AGAIN = frozenset({408, 409, 425, 429})


class Webhooks:
    def __init__(self, fence: Mapping[str, Any]) -> None:
        self._fence = Fence.from_settings(fence)
        self._client: httpx2.AsyncClient | None = None

    async def send(self, topic: Topic, message: Message, *, now_ms: int) -> None:
        if self._client is None:  # its certificates cost time, so it is made for the first message
            self._client = httpx2.AsyncClient(
                transport=FencedTransport(self._fence), timeout=TIMEOUT_SECONDS, follow_redirects=False
            )
        body = msgspec.json.encode(message.data)
        number = f"msg_{message.number}"
        try:
            async with self._client.stream(
                "POST", topic.url, content=body, headers=signed(topic.secret, number, now_ms // 1000, body)
            ) as reply:
                status, wait = reply.status_code, reply.headers.get("Retry-After")
        except AddressRefused as error:
            raise NotSent(f"{error}".replace("a node", "a webhook"), final=True) from None
        except (*BROKEN, OSError) as error:
            raise NotSent(f"The webhook can't be reached: {error or type(error).__name__}.") from None
        if 200 <= status < 300:
            return
        final = 300 <= status < 500 and status not in _AGAIN
        raise NotSent(f"The webhook answered {status}.", final=final, retry_after_seconds=_seconds(wait))

    async def close(self) -> None:
        if self._client is not None:
            await self._client.aclose()
            self._client = None


def signed(secret: str, number: str, at_seconds: int, body: bytes) -> dict[str, str]:
    key = base64.b64decode(secret.removeprefix("whsec_"))
    text = b"%s.%d.%s" % (number.encode(), at_seconds, body)
    signature = base64.b64encode(hmac.new(key, text, hashlib.sha256).digest()).decode()
    return {
        "Content-Type": "application/json",
        "User-Agent": f"arkwright/{__version__}",
        "Idempotency-Key": number,
        "webhook-id": number,
        "webhook-timestamp": str(at_seconds),
        "webhook-signature": f"v1,{signature}",
    }


def _seconds(given: Any) -> int | None:
    text = str(given or "").strip()
    return min(int(text), LONGEST_WAIT_SECONDS) if len(text) < 8 and text.isdigit() else None
