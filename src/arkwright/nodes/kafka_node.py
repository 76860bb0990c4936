"""What the Kafka nodes share: their connection, the fence before it, and the client library (`arkwright[kafka]`).

The addresses that the connection names go through the network fence. Those that the cluster then names itself don't:
who may define a connection trusts its cluster.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
from collections.abc import Coroutine, Mapping
from typing import Any, ClassVar

from arkwright.core.outcome import FailureKind
from arkwright.errors import InvalidInput
from arkwright.nodes.base import Connection, Context, Failed, Log, NodeType, Outcome, Property
from arkwright.nodes.kafka_connection import client_settings, library_missing

CONNECTIONS = ("KAFKA", "MRSKafka", "DMSKafka")
REQUEST_MS = 15_000
CLOSE_SECONDS = 1.0
SERVER = "A Kafka cluster; tested with the broker of librdkafka."

CONNECTION = Property(name="connectionName", help="The connection to the Kafka cluster.", required=True)
TOPIC = Property(name="topic", help="Name of the topic.", required=True)
TOPIC_NAME = Property(name="topicName", help="Another spelling of topic.")


class KafkaFailed(Exception):
    """The cluster refused, or can't be reached; the text says so."""


class KafkaNode:
    type: ClassVar[NodeType]

    def __init__(self) -> None:
        self._settings: Mapping[str, Any] = {}

    def configure(self, settings: Mapping[str, Any]) -> None:
        """`own_addresses`, `allow_loopback_requests`, `allow_private_requests` (see `Fence.from_settings`)."""
        self._settings = dict(settings)

    def host(self, context: Context) -> str:
        return "kafka"

    def check(self, context: Context) -> Failed | None:
        if context.connection is None:
            return refused(f"A {self.type.title} node needs a connection to a Kafka cluster: set connectionName.")
        if not topic_of(context):
            return refused("There is no topic.")
        missing = library_missing()
        if missing is not None:
            return refused(missing)
        try:
            client_settings(context.connection.name, context.connection.config)
        except InvalidInput as error:
            return refused(str(error))
        return None

    async def run(self, context: Context, log: Log) -> Outcome:
        refusal = self.check(context)
        if refusal is not None:
            return refusal
        outcome: Outcome
        try:
            outcome = await self.act(context, log)
        except KafkaFailed as failure:
            outcome = Failed(kind=FailureKind.ERROR, message=context.scrubbed(str(failure)))
        if outcome.message:
            log(f"{context.scrubbed(outcome.message)}\n".encode(errors="replace"))
        return outcome

    async def act(self, context: Context, log: Log) -> Outcome:
        raise NotImplementedError

    async def settings(self, connection: Connection | None) -> dict[str, Any]:
        """For a client of the library. Raises `KafkaFailed`."""
        assert connection is not None
        return await checked_settings(connection, self._settings)


async def checked_settings(connection: Connection, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Keyword arguments of the library's clients, once the fence has seen the addresses. Raises `KafkaFailed`."""
    from arkwright.nodes.network_fence import AddressRefused, Fence

    try:
        found = client_settings(connection.name, connection.config)
    except InvalidInput as error:
        raise KafkaFailed(str(error)) from None
    fence = Fence.from_settings(settings)
    for each in found["bootstrap_servers"]:
        host, _, port = each.rpartition(":")
        try:
            await fence.resolve(host.strip("[]"), int(port))
        except AddressRefused as refusal:
            raise KafkaFailed(str(refusal)) from None
        except (OSError, UnicodeError) as fault:
            raise KafkaFailed(f"The address of {host} can't be found: {fault}") from None
    return {**found, "client_id": "arkwright", "request_timeout_ms": REQUEST_MS}


def topic_of(context: Context) -> str:
    given = context.properties
    return (given.get("topic", "") or given.get("topicName", "")).strip()


def refused(message: str) -> Failed:
    return Failed(kind=FailureKind.REFUSED, message=message)


def said(error: Exception) -> str:
    name, text = type(error).__name__, str(error)
    return text if text.startswith(f"{name}: ") else f"{name}: {text}" if text else name


async def partitions_of(settings: Mapping[str, Any], topic: str) -> list[int]:
    """The topic's partitions. Raises `KafkaFailed` where there is no such topic."""
    from aiokafka.admin import AIOKafkaAdminClient
    from aiokafka.errors import KafkaError

    admin = await opened(settings, AIOKafkaAdminClient(**settings))
    try:
        (found,) = await admin.describe_topics([topic])
    except (KafkaError, OSError) as error:
        raise KafkaFailed(f"The topic {topic} can't be asked for: {said(error)}") from None
    finally:
        await closed(admin)
    if found["error_code"] or not found["partitions"]:
        code = found["error_code"]
        raise KafkaFailed(f"The cluster has no topic {topic!r} that this connection may read (code {code}).")
    return sorted(each["partition"] for each in found["partitions"])


async def opened(settings: Mapping[str, Any], client: Any) -> Any:
    """The client, connected. Raises `KafkaFailed`."""
    from aiokafka.errors import KafkaError

    try:
        await client.start()
    except asyncio.CancelledError:
        _leave(_thrown_away(client))
        raise
    except (KafkaError, OSError) as error:
        await closed(client)
        servers = ", ".join(settings["bootstrap_servers"])
        raise KafkaFailed(f"Kafka ({servers}) can't be reached: {said(error)}") from None
    return client


async def closed(client: Any) -> None:
    """Whatever happens: a cancelled attempt leaves no connection behind."""
    stop: Coroutine[Any, Any, Any] = client.close() if hasattr(client, "describe_topics") else client.stop()
    task = asyncio.ensure_future(stop)
    try:
        await asyncio.wait({task}, timeout=CLOSE_SECONDS)
    finally:
        if not task.done():
            _leave(_waited(task))
        elif not task.cancelled():
            task.exception()  # what goes wrong with closing is nobody's business any more


_left: set[asyncio.Future[None]] = set()
"""Clients that close themselves."""


def _leave(work: Coroutine[Any, Any, None]) -> None:
    task = asyncio.ensure_future(work)
    _left.add(task)
    task.add_done_callback(_left.discard)


async def _waited(task: asyncio.Future[Any]) -> None:
    with contextlib.suppress(Exception):
        await task


async def _thrown_away(client: Any) -> None:
    """Of a client that was cancelled while it connected, the library forgets a connection that was just made. Whoever
    forgets it lets the garbage collection close it, which is not left to chance here."""
    await asyncio.sleep(0)
    await closed(client)
    gc.collect()
