"""A Kafka broker on loopback that is not ours: the one that librdkafka brings for its own tests.

It speaks the real protocol over real sockets (produce, fetch, offsets, groups, commits), keeps its records in memory,
and lives in this process: whatever is killed in a test, the broker is not. `ARKWRIGHT_TEST_KAFKA=host:port` uses a real
cluster instead, whose topics must be made by themselves with their default partitions.
"""

from __future__ import annotations

import os
import uuid
from typing import Any

import pytest


class Broker:
    """What tests ask of a broker."""

    def __init__(self, address: str, keep: Any = None) -> None:
        from confluent_kafka import Producer

        self.address = address
        self._keep = keep
        self._producer = Producer({"bootstrap.servers": address, "log_level": 0})

    def topic(self) -> str:
        """The name of a topic that nobody else uses; it exists when this returns."""
        name = f"orders-{uuid.uuid4().hex[:8]}"
        self._producer.list_topics(name, timeout=10)
        return name

    def send(self, topic: str, *values: str | bytes | None, partition: int = 0) -> None:
        """Durable at the broker when it returns."""
        failures: list[Any] = []

        def told(error: Any, _: Any) -> None:
            if error is not None:
                failures.append(error)

        for value in values:
            self._producer.produce(topic, value, partition=partition, on_delivery=told)
        left = self._producer.flush(10)
        assert not failures, failures
        assert not left

    def committed(self, group: str, topic: str, partition: int = 0) -> int:
        """The next position that a group has committed; negative: none."""
        from confluent_kafka import Consumer, TopicPartition

        consumer = Consumer({"bootstrap.servers": self.address, "group.id": group, "log_level": 0})
        try:
            found: int = consumer.committed([TopicPartition(topic, partition)], timeout=10)[0].offset
        finally:
            consumer.close()
        return found


@pytest.fixture(scope="session")
def kafka_broker() -> Broker:
    address = os.environ.get("ARKWRIGHT_TEST_KAFKA", "")
    keep = None
    if not address:
        from confluent_kafka import Producer

        keep = Producer({"bootstrap.servers": "none", "test.mock.num.brokers": 1, "log_level": 0})
        (found,) = keep.list_topics(timeout=10).brokers.values()
        address = f"{found.host}:{found.port}"
    return Broker(address, keep)
