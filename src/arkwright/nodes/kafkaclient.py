"""KafkaClient: sends one text to a topic, to partition 0 unless `partition` says another.

The message carries a header `arkwright-attempt`, by which it can be found again.

When it is repeated: before it is sent, where the partition ends is on disk (`sending`). After a crash without that
file nothing was sent, and it runs again. With it, the messages from there on are looked through: one with the attempt's
header was sent. If there is none, it may be on its way still: LOST, and the node's retry settings decide.
"""

from __future__ import annotations

import os
from typing import Any

import msgspec

from arkwright.core.outcome import FailureKind
from arkwright.nodes.base import Category, Context, Failed, Log, NodeType, Outcome, Property, Succeeded, Work
from arkwright.nodes.kafka_node import (
    CONNECTION,
    CONNECTIONS,
    SERVER,
    TOPIC,
    TOPIC_NAME,
    KafkaFailed,
    KafkaNode,
    closed,
    opened,
    partitions_of,
    refused,
    said,
    topic_of,
)

SENDING = "sending"
HEADER = "arkwright-attempt"
LONGEST_BYTES = 1024 * 1024
READ_MS = 2_000


class Sending(msgspec.Struct, kw_only=True):
    topic: str
    partition: int
    end: int


class KafkaClient(KafkaNode):
    type = NodeType(
        name="KafkaClient",
        title="Kafka Client",
        work=Work.HOSTED,
        category=Category.MESSAGING,
        icon="send",
        summary="Sends a text to a Kafka topic.",
        needs_connection=True,
        connections=CONNECTIONS,
        properties=(
            CONNECTION,
            TOPIC,
            TOPIC_NAME,
            Property(name="text", help="What to send, up to 1 MB.", required=True),
            Property(name="partition", help="Number of the partition.", default="0"),
            Property(name="key", help="Key of the message."),
        ),
        example={
            "name": "tell",
            "type": "KafkaClient",
            "location": {"x": 0, "y": 0},
            "properties": [
                {"name": "connectionName", "value": "kafka"},
                {"name": "topic", "value": "loaded"},
                {"name": "text", "value": "orders of #{DateUtil.format(Job.planTime,'yyyy-MM-dd')}"},
            ],
        },
        server=SERVER,
        repeated="Done if its message is in the topic; runs again if it was not sent; else LOST.",
    )

    def check(self, context: Context) -> Failed | None:
        text = context.properties.get("text", "")
        if not text:
            return refused("There is no text to send.")
        if len(text.encode("utf-8", "replace")) > LONGEST_BYTES:
            return refused("The text is longer than 1 MB, which brokers refuse.")
        partition = context.properties.get("partition", "").strip()
        if partition and not (partition.isdigit() and len(partition) < 7):
            return refused(f"partition is {partition!r}; it must be a number from 0.")
        return super().check(context)

    async def act(self, context: Context, log: Log) -> Outcome:
        import aiokafka
        from aiokafka.errors import KafkaError

        topic, partition = topic_of(context), int(context.properties.get("partition", "").strip() or 0)
        settings = await self.settings(context.connection)
        log(f"{topic}/{partition} at {', '.join(settings['bootstrap_servers'])}\n".encode())
        await self._note_end(context, settings, topic, partition)
        producer = await opened(settings, aiokafka.AIOKafkaProducer(**settings, acks="all", enable_idempotence=True))
        try:
            sent = await producer.send_and_wait(
                topic,
                value=context.properties["text"].encode("utf-8", "replace"),
                key=context.properties.get("key", "").encode() or None,
                partition=partition,
                headers=[(HEADER, str(context.key).encode())],
            )
        except (KafkaError, ValueError, AssertionError) as error:
            raise KafkaFailed(f"{topic}/{partition} did not take the message: {said(error)}") from None
        finally:
            await closed(producer)
        return Succeeded(message=f"Sent to {topic}/{partition} at {sent.offset}.", output_row_count=1)

    async def _note_end(self, context: Context, settings: dict[str, Any], topic: str, partition: int) -> None:
        import aiokafka
        from aiokafka.errors import KafkaError

        partitions = await partitions_of(settings, topic)
        if partition not in partitions:
            raise KafkaFailed(f"The topic {topic} has no partition {partition}; it has {len(partitions)}.")
        consumer = await opened(settings, aiokafka.AIOKafkaConsumer(**settings, enable_auto_commit=False))
        try:
            place = aiokafka.TopicPartition(topic, partition)
            end = (await consumer.end_offsets([place]))[place]
        except (KafkaError, OSError) as error:
            raise KafkaFailed(f"{topic}/{partition} can't be asked for its end: {said(error)}") from None
        finally:
            await closed(consumer)
        with (context.folder / SENDING).open("wb") as file:
            file.write(msgspec.json.encode(Sending(topic=topic, partition=partition, end=end)))
            file.flush()
            os.fsync(file.fileno())

    async def recall(self, context: Context) -> Outcome | None:
        try:
            kept = msgspec.json.decode((context.folder / SENDING).read_bytes(), type=Sending)
        except (FileNotFoundError, msgspec.DecodeError):
            return None
        lost = "The process that sent it died, and its message is not in the topic (yet)."
        try:
            at = await self._find(context, kept)
        except KafkaFailed as failure:
            at, lost = None, f"The process that sent it died. Whether it is in the topic can't be known: {failure}"
        if at is not None:
            return Succeeded(message=f"Sent to {kept.topic}/{kept.partition} at {at}.", output_row_count=1)
        return Failed(kind=FailureKind.LOST, message=lost)

    async def _find(self, context: Context, kept: Sending) -> int | None:
        """Where the attempt's message is."""
        import aiokafka
        from aiokafka.errors import KafkaError

        settings = await self.settings(context.connection)
        place = aiokafka.TopicPartition(kept.topic, kept.partition)
        consumer = await opened(settings, aiokafka.AIOKafkaConsumer(**settings, enable_auto_commit=False))
        try:
            consumer.assign([place])
            end = (await consumer.end_offsets([place]))[place]
            consumer.seek(place, kept.end)
            at = kept.end
            while at < end:
                found = await consumer.getmany(place, timeout_ms=READ_MS, max_records=500)
                records = found.get(place) or []
                for record in records:
                    if (HEADER, str(context.key).encode()) in [(name, value) for name, value in record.headers]:
                        return int(record.offset)
                if not records:
                    return None
                at = records[-1].offset + 1
        except (KafkaError, OSError) as error:
            raise KafkaFailed(said(error)) from None
        finally:
            await closed(consumer)
        return None
