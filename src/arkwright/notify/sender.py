"""Sends one batch of notices to its topic, whatever the topic's kind.

What sends is imported with the first message of its kind: a server that tells nobody starts without it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from arkwright.errors import ArkwrightError, StoreUnavailable
from arkwright.iam.sealing import Sealer
from arkwright.notify.message import compose
from arkwright.notify.outcome import MailServer, NotSent
from arkwright.notify.topic import FIXED_SERVICES, MAIL, WEBHOOK, Topic, unsealed
from arkwright.store.base import Kind, Place, Store
from arkwright.store.notice_record import StoredNotice

if TYPE_CHECKING:
    from arkwright.notify.webhook import Webhooks


class Sender:
    def __init__(
        self,
        *,
        store: Store,
        sealer: Sealer,
        now_ms: Callable[[], int],
        mail_server: MailServer,
        fence: Mapping[str, Any] | None = None,
        services: frozenset[str] = FIXED_SERVICES,
        workspace_name: Callable[[str], str] = lambda workspace_id: workspace_id,
        public_url: str = "",
    ) -> None:
        """`fence`: what `nodes.network_fence.Fence.from_settings` takes."""
        self._store = store
        self._sealer = sealer
        self._now_ms = now_ms
        self._mail_server = mail_server
        self._fence = fence or {}
        self._webhooks: Webhooks | None = None
        self.services = services
        self._workspace_name = workspace_name
        self._public_url = public_url
        self._installation = ""

    async def send(self, place: Place, topic_name: str, batch: Sequence[StoredNotice]) -> None:
        """Raises `NotSent`, and `StoreUnavailable` before anything was sent."""
        topic = await self._topic(place, topic_name)
        workspace = self._workspace_name(place.workspace_id)
        message = compose(batch, workspace=workspace, public_url=self._public_url, kind=topic.kind)
        if topic.kind == MAIL:
            if not self._installation:
                self._installation = await self._store.installation_id()
            from arkwright.notify import mail

            await mail.send(self._mail_server, topic, message, installation=self._installation)
        elif topic.kind == WEBHOOK:
            if self._webhooks is None:
                from arkwright.notify.webhook import Webhooks

                self._webhooks = Webhooks(self._fence)
            await self._webhooks.send(topic, message, now_ms=self._now_ms())
        elif topic.url.partition("://")[0].lower() in self.services:
            from arkwright.notify import chat

            await chat.send(topic, message)
        else:
            raise NotSent("This kind of chat is not allowed by the server's settings any more.", final=True)

    async def _topic(self, place: Place, name: str) -> Topic:
        stored = await self._store.get_definition(place, Kind.ALERT_TOPIC, name)
        if stored is None:
            raise NotSent(f"There is no topic {name!r} in the workspace.", final=True)
        try:
            return unsealed(stored.body, place, self._sealer)
        except StoreUnavailable:
            raise
        except ArkwrightError as error:  # the key file is another one
            raise NotSent(str(error)) from None

    async def close(self) -> None:
        if self._webhooks is not None:
            await self._webhooks.close()
