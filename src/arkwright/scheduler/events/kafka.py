"""Kafka messages: each record of a topic starts one run.

Theory of operation
-------------------
A trigger is looked after by one server, which reads all partitions of the topic itself; no consumer group assigns
them, so nothing is rebalanced. The position that counts is ours: it is stored with the instance, in one transaction,
and refuses a record that was taken before. After that the position is also committed to the broker, under the group
`arkwright-ID`, so that the usual tools show the lag; should that commit be lost, nothing is.

A restored database is behind the broker: then the broker's word counts, so that nothing runs twice.

Positions. The first start begins at what the group has committed, if anything, else at the end of each partition.
Later starts (LAST) and every restart of the server go on where it stopped; NEW forgets at each start and begins at the
end. A partition that appears later is read from its beginning: its messages are new. Where the broker has dropped
records before they were read (retention), or the topic was made anew, reading goes on at the oldest record, and the
report says how many are gone.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from arkwright.core.schedule import Event
from arkwright.engine.interface import Occurrence
from arkwright.nodes.base import Connection
from arkwright.nodes.kafka_connection import library_missing
from arkwright.nodes.kafka_node import KafkaFailed, checked_settings
from arkwright.scheduler.events.base import EVENT_DATA_CHARACTERS, Happening, Listener, SourceFailed
from arkwright.store.base import Place

if TYPE_CHECKING:
    from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

log = logging.getLogger("arkwright.events")

Connect = Callable[[Place, str], Awaitable[Mapping[str, Any]]]
"""The configuration of a stored connection, secrets included. Raises `ArkwrightError`."""

WAIT_MS = 5_000
"""How long the broker holds a request for records while there are none."""
CLOSE_SECONDS = 5.0
ABANDON_SECONDS = 2.0
_abandoned: set[asyncio.Future[None]] = set()
"""Clients that close themselves once they are open."""
NEW_PARTITIONS_SECONDS = 60.0
"""How often is looked for partitions that were added."""


class KafkaSource:
    def __init__(self, event: Event, connect: Connect, fence: Mapping[str, Any]) -> None:
        """`fence`: as `nodes.network_fence.Fence.from_settings` takes it."""
        self._event = event
        self._connect = connect
        self._fence = fence

    async def run(self, listener: Listener) -> None:
        missing = library_missing()
        if missing is not None:
            raise SourceFailed(missing)
        from aiokafka.errors import KafkaError

        config = await self._connect(listener.trigger.place, self._event.connection)
        connection = Connection(name=self._event.connection, type="KAFKA", config=config)
        try:
            settings = await checked_settings(connection, self._fence)
        except KafkaFailed as error:
            raise SourceFailed(str(error)) from None
        try:
            consumer, partitions = await _opened(settings, self._event.channel, f"arkwright-{listener.trigger.id}")
            reading = _Reading(self._event, listener, consumer)
            try:
                await reading.go_on(partitions)
            finally:
                await reading.committed()
                await _to_the_end(consumer.stop())
        except KafkaError as error:
            raise SourceFailed(f"Kafka ({', '.join(settings['bootstrap_servers'])}): {_words(error)}") from error
        except OSError as error:
            raise SourceFailed(f"Kafka can't be reached: {error}") from error


class _Reading:
    """One consumer from its start to its end."""

    def __init__(self, event: Event, listener: Listener, consumer: AIOKafkaConsumer) -> None:
        self._topic = event.channel
        self._interval_seconds = event.interval_seconds
        self._listener = listener
        self._consumer = consumer
        self._next: dict[int, int] = {}
        """Per partition the position after the last one taken."""
        self._committing: asyncio.Future[None] | None = None

    async def go_on(self, partitions: Sequence[int]) -> None:
        await self._assign(partitions)
        self._listener.listening()
        loop = asyncio.get_running_loop()
        looked = loop.time()
        while True:
            busy = await self._poll()
            if loop.time() - looked >= NEW_PARTITIONS_SECONDS:
                looked = loop.time()
                # As the client's regular look at the cluster found them.
                partitions = sorted(self._consumer.partitions_for_topic(self._topic) or ())
                if set(partitions) > set(self._next):
                    await self._assign(partitions)
            if self._interval_seconds and not busy:
                await self._listener.pause(self._interval_seconds)

    async def _poll(self) -> bool:
        from aiokafka.errors import OffsetOutOfRangeError

        wait_ms = 0 if self._interval_seconds else WAIT_MS
        try:
            # With an interval one look has to be enough time for an answer of the broker.
            records = await self._consumer.getmany(timeout_ms=wait_ms or 1_000, max_records=500)
        except OffsetOutOfRangeError:
            await self._find_again()
            return True
        if records:
            await _all_of([self._take(each) for each in records.values()])
            taken = {partition: each[-1].offset + 1 for partition, each in records.items()}
            # By itself: nobody waits for the broker's word, and closing must not cancel it in the middle.
            self._committing = asyncio.ensure_future(self._commit(taken, self._committing))
        self._listener.polled(lag=self._lag(), position={str(key): value for key, value in self._next.items()})
        return bool(records)

    async def _take(self, records: Sequence[ConsumerRecord[Any, Any]]) -> None:
        """The records of one partition, in their order."""
        for record in records:
            await self._listener.take(
                Happening(
                    occurrence=Occurrence(
                        source=f"KAFKA {record.topic}/{record.partition}@{record.offset}", data=_text(record.value)
                    ),
                    source=_source(record.topic, record.partition),
                    position=record.offset,
                )
            )
            self._next[record.partition] = record.offset + 1

    def _lag(self) -> int | None:
        known = [
            mark - self._next[partition.partition]
            for partition in self._consumer.assignment()
            if (mark := self._consumer.highwater(partition)) is not None
        ]
        return sum(max(each, 0) for each in known) if known else None

    async def _commit(self, taken: Mapping[TopicPartition, int], before: asyncio.Future[None] | None) -> None:
        """Only for those who look at the broker. What counts is stored already."""
        from aiokafka.errors import KafkaError

        if before is not None:
            await asyncio.wait({before})
        try:
            await self._consumer.commit(dict(taken))
        except KafkaError as error:
            log.info("the broker did not take the position of trigger %d: %s", self._listener.trigger.id, error)

    async def committed(self) -> None:
        """Once the broker has been told, or can't be."""
        if self._committing is not None:
            await _to_the_end(asyncio.wait({self._committing}, timeout=1))

    # -- partitions and positions
    async def _assign(self, partitions: Sequence[int]) -> None:
        from aiokafka import TopicPartition

        assigned = [TopicPartition(self._topic, each) for each in partitions]
        self._consumer.assign(assigned)
        trigger, store = self._listener.trigger, self._listener.store
        known = await store.open_positions(trigger.id, {})
        unknown = [each for each in assigned if _source(self._topic, each.partition) not in known]
        if unknown:
            first = len(unknown) == len(assigned)
            defaults = await (self._first_positions(unknown) if first else self._beginnings(unknown))
            known = await store.open_positions(
                trigger.id, {_source(self._topic, each.partition): at for each, at in defaults.items()}
            )
        for partition in assigned:
            position = known[_source(self._topic, partition.partition)]
            if partition not in unknown:
                position = await self._not_before_the_broker(partition, position)
            self._next[partition.partition] = position
            self._consumer.seek(partition, position)

    async def _not_before_the_broker(self, partition: TopicPartition, position: int) -> int:
        """The broker is told after our database, so it can only be ahead when the database went back in time."""
        committed = await self._consumer.committed(partition)
        committed = None if committed is None else int(committed)
        if committed is None or committed <= position:
            return position
        self._listener.warn(
            f"{self._topic}/{partition.partition} was read up to {committed} before the database was restored, whose "
            f"position is {position}: what lies between is not run again."
        )
        trigger, source = self._listener.trigger, _source(self._topic, partition.partition)
        await self._listener.store.move_position(trigger.id, trigger.epoch, source, committed)
        return committed

    async def _first_positions(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        ends = await self._consumer.end_offsets(partitions)
        found: dict[TopicPartition, int] = {}
        for partition in partitions:
            committed = await self._consumer.committed(partition)
            fresh = self._listener.trigger.body.get("fresh")
            found[partition] = ends[partition] if committed is None or fresh else committed
        return found

    async def _beginnings(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        found: dict[TopicPartition, int] = await self._consumer.beginning_offsets(partitions)
        return found

    async def _find_again(self) -> None:
        """Some position is none of the broker's (any more)."""
        assigned = sorted(self._consumer.assignment())
        begins = await self._consumer.beginning_offsets(assigned)
        ends = await self._consumer.end_offsets(assigned)
        trigger = self._listener.trigger
        for partition in assigned:
            position = self._next[partition.partition]
            begin, end = begins[partition], ends[partition]
            if begin <= position <= end:
                continue
            if position < begin:
                self._listener.warn(
                    f"{begin - position} messages of {self._topic}/{partition.partition} (from {position} on) were "
                    "dropped by the broker before they were read: its retention is too short for the pause."
                )
            else:
                self._listener.warn(
                    f"{self._topic}/{partition.partition} ends at {end}, before the position {position}: the topic was "
                    "made anew, so it is read from its beginning."
                )
            await self._listener.store.move_position(
                trigger.id, trigger.epoch, _source(self._topic, partition.partition), begin
            )
            self._next[partition.partition] = begin
            self._consumer.seek(partition, begin)
            await self._commit({partition: begin}, self._committing)


async def _partitions(settings: Mapping[str, Any], topic: str) -> list[int]:
    from aiokafka.admin import AIOKafkaAdminClient

    admin = AIOKafkaAdminClient(**settings)
    try:
        await admin.start()
        (found,) = await admin.describe_topics([topic])
    finally:
        await _to_the_end(admin.close())
    if found["error_code"] or not found["partitions"]:
        raise SourceFailed(
            f"The Kafka cluster has no topic {topic!r} that this connection may read (code {found['error_code']}).",
            hint="Is its name right?",
        )
    return sorted(each["partition"] for each in found["partitions"])


async def _opened(settings: Mapping[str, Any], topic: str, group: str) -> tuple[AIOKafkaConsumer, list[int]]:
    """A consumer, and the topic's partitions. The library leaks connections when it is cancelled while it connects, so
    it is not: who is cancelled meanwhile waits a moment, or leaves it to close itself."""
    opening = asyncio.ensure_future(_open(settings, topic, group))
    try:
        return await asyncio.shield(opening)
    except asyncio.CancelledError:
        _abandoned.add(closing := asyncio.ensure_future(_close_when_open(opening)))
        closing.add_done_callback(_abandoned.discard)
        await asyncio.wait({closing}, timeout=ABANDON_SECONDS)
        raise


async def _open(settings: Mapping[str, Any], topic: str, group: str) -> tuple[AIOKafkaConsumer, list[int]]:
    from aiokafka import AIOKafkaConsumer

    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # what goes wrong is told once, by the runner
    partitions = await _partitions(settings, topic)
    consumer = AIOKafkaConsumer(
        **settings,
        group_id=group,
        enable_auto_commit=False,
        auto_offset_reset="none",
        isolation_level="read_committed",
        fetch_max_wait_ms=WAIT_MS,
        metadata_max_age_ms=int(NEW_PARTITIONS_SECONDS * 1000),
    )
    try:
        await consumer.start()
    except BaseException:
        await _to_the_end(consumer.stop())
        raise
    return consumer, partitions


async def _close_when_open(opening: asyncio.Future[tuple[AIOKafkaConsumer, list[int]]]) -> None:
    await asyncio.wait({opening})
    if not opening.cancelled() and opening.exception() is None:
        await _to_the_end(opening.result()[0].stop())


async def _to_the_end(closing: Coroutine[Any, Any, Any]) -> None:
    """Connections are closed whatever happens: a second cancellation must not leave them open."""
    task = asyncio.ensure_future(closing)
    while not task.done():
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.wait({task}, timeout=CLOSE_SECONDS)
            if not task.done():
                task.cancel()
    if not task.cancelled() and (error := task.exception()) is not None:
        log.info("a Kafka client could not be closed in order: %s", error)


async def _all_of(work: Sequence[Coroutine[Any, Any, None]]) -> None:
    """Side by side; the first failure ends the others, and is raised."""
    tasks = [asyncio.ensure_future(each) for each in work]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
    finally:
        for task in tasks:
            task.cancel()
    ends = await asyncio.gather(*tasks, return_exceptions=True)
    failed = [each for each in ends if isinstance(each, BaseException)]
    first = next((each for each in failed if not isinstance(each, asyncio.CancelledError)), None)
    if first is not None:
        raise first


def _source(topic: str, partition: int) -> str:
    return f"{topic}/{partition}"


def _text(value: bytes | None) -> str | None:
    if value is None:
        return None
    return value.decode("utf-8", "replace").replace("\0", "\ufffd")[:EVENT_DATA_CHARACTERS]


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
