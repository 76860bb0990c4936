"""KafkaClient and MRSKafka in a real host, on a real broker."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from tests.nodes.hosted_kit import HostedStage
from tests.servers.kafka import Broker

from arkwright.core.outcome import Failed, FailureKind, Outcome, Succeeded
from arkwright.nodes.base import Connection, Context
from arkwright.nodes.kafkaclient import HEADER, SENDING, KafkaClient, Sending


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HostedStage]:
    stage = HostedStage(tmp_path_factory.mktemp("kafka"))
    yield stage
    stage.close()


@pytest.fixture
def kafka(kafka_broker: Broker) -> Connection:
    return Connection(name="kafka", type="KAFKA", config={"bootstrapServers": kafka_broker.address})


def read(broker: Broker, topic: str, partition: int = 0) -> list[tuple[bytes | None, bytes, dict[str, bytes]]]:
    """Key, value and headers of all messages."""
    from confluent_kafka import Consumer, TopicPartition

    consumer = Consumer({"bootstrap.servers": broker.address, "group.id": "readers", "log_level": 0})
    try:
        place = TopicPartition(topic, partition, 0)
        _, end = consumer.get_watermark_offsets(place, timeout=10)
        consumer.assign([place])
        found = []
        while len(found) < end:
            message = consumer.poll(10)
            assert message is not None
            assert message.error() is None
            found.append((message.key(), message.value(), dict(message.headers() or [])))
        return found
    finally:
        consumer.close()


def test_a_text_is_sent_with_its_key_to_its_partition(
    stage: HostedStage,
    kafka: Connection,
    kafka_broker: Broker,
) -> None:
    topic = kafka_broker.topic()
    outcome, log, _ = stage.ask("KafkaClient", kafka, topic=topic, text="größer", key="k", partition="1")
    assert isinstance(outcome, Succeeded), (outcome, log)
    ((key, value, headers),) = read(kafka_broker, topic, 1)
    assert (key, value.decode()) == (b"k", "größer")
    assert HEADER in headers
    assert f"Sent to {topic}/1 at 0." in log
    assert read(kafka_broker, topic) == []


@pytest.mark.parametrize(
    ("more", "part"),
    [
        ({"partition": "77"}, "no partition 77"),
        ({"topicName": "", "topic": ""}, "no topic"),
        ({"partition": "-1"}, "a number from 0"),
        ({"text": ""}, "no text"),
    ],
)
def test_what_cannot_be_sent_is_named(
    stage: HostedStage,
    kafka: Connection,
    kafka_broker: Broker,
    more: dict[str, str],
    part: str,
) -> None:
    given = {"topic": kafka_broker.topic(), "text": "x", **more}
    outcome, _, _ = stage.ask("KafkaClient", kafka, **given)
    assert isinstance(outcome, Failed)
    assert part in outcome.message


def test_a_cluster_that_is_not_there_fails_the_node(stage: HostedStage) -> None:
    nowhere = Connection(name="kafka", type="KAFKA", config={"bootstrapServers": "127.0.0.1:9"})
    outcome, _, _ = stage.ask("KafkaClient", nowhere, topic="a", text="x")
    assert isinstance(outcome, Failed)
    assert outcome.kind is FailureKind.ERROR
    assert "127.0.0.1:9" in outcome.message
    metadata = Connection(name="kafka", type="KAFKA", config={"bootstrapServers": "169.254.169.254:9092"})
    assert "link-local" in str(stage.ask("MRSKafka", metadata, topic="a")[0].message)


def test_unread_messages_are_counted_for_a_group_and_without_one(
    stage: HostedStage,
    kafka: Connection,
    kafka_broker: Broker,
) -> None:
    from confluent_kafka import Consumer, TopicPartition

    topic = kafka_broker.topic()
    kafka_broker.send(topic, "a", "b", "c")
    assert stage.ask("MRSKafka", kafka, topic=topic)[2] == "3"
    assert stage.ask("MRSKafka", kafka, topic=topic, groupId=f"g-{topic}")[2] == "3"
    consumer = Consumer({"bootstrap.servers": kafka_broker.address, "group.id": f"g-{topic}", "log_level": 0})
    consumer.commit(offsets=[TopicPartition(topic, 0, 2)], asynchronous=False)
    consumer.close()
    outcome, log, output = stage.ask("MRSKafka", kafka, topicName=topic, groupId=f"g-{topic}")
    assert (output, outcome) == ("1", Succeeded(output="output", output_row_count=1)), log


def recalled(context: Context) -> Outcome | None:
    node = KafkaClient()
    node.configure({"allow_loopback_requests": True})
    return asyncio.run(node.recall(context))


def test_after_a_crash_the_topic_is_asked_whether_the_message_is_there(
    stage: HostedStage,
    kafka: Connection,
    kafka_broker: Broker,
    tmp_path: Path,
) -> None:
    topic = kafka_broker.topic()
    context = replace(stage.on(kafka, {"topic": topic, "text": "once"}), folder=tmp_path)
    assert recalled(context) is None  # nothing on file: nothing was sent
    kafka_broker.send(topic, "before")
    node = KafkaClient()
    node.configure({"allow_loopback_requests": True})
    assert isinstance(asyncio.run(node.run(context, lambda _: None)), Succeeded)
    kafka_broker.send(topic, "after")
    again = recalled(context)
    assert again == Succeeded(message=f"Sent to {topic}/0 at 1.", output_row_count=1)
    (tmp_path / SENDING).write_bytes(msgspec.json.encode(Sending(topic=topic, partition=0, end=2)))
    lost = recalled(context)
    assert isinstance(lost, Failed)
    assert lost.kind is FailureKind.LOST
