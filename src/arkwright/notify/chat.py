"""Notices to chats, over Apprise (extra `notify`), which knows their protocols. Imported when it is first needed: it
takes half a second."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from arkwright.notify.message import Message
from arkwright.notify.outcome import NotSent
from arkwright.notify.topic import Topic

TIMEOUT_SECONDS = 60.0

# It logs each call with more of the URL than a log should have.
logging.getLogger("apprise").setLevel(logging.CRITICAL)


async def send(topic: Topic, message: Message) -> None:
    chat = await asyncio.to_thread(_chat, topic)
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            sent = await chat.async_notify(title=message.subject, body=message.text, body_format="text")
    except TimeoutError:
        raise NotSent("The chat did not answer in time.") from None
    except TypeError:
        raise NotSent("The chat takes no such message.", final=True) from None
    if not sent:
        raise NotSent("The chat did not take the message.")


def _chat(topic: Topic) -> Any:
    try:
        import apprise  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        raise NotSent("Chats need Apprise: install arkwright[notify] for the server.", final=True) from None
    chat = apprise.Apprise()
    if not chat.add(topic.url):
        raise NotSent("The chat's URL can't be read; see Apprise's page about it.", final=True)
    return chat
