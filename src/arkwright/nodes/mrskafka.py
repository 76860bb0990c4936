"""MRSKafka: counts messages of a topic; the number is the node's output.

With `groupId`: those that this consumer group has not read (the topic's end less what it has committed; where it has
committed nothing, all there are). Without: all that the topic holds. It only reads, so it is repeated freely.
"""

from __future__ import annotations

from arkwright.nodes.base import Category, Context, Log, NodeType, Outcome, Property, Succeeded, Work
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
    said,
    topic_of,
)

OUTPUT = "output"


class MrsKafka(KafkaNode):
    type = NodeType(
        name="MRSKafka",
        title="MRS Kafka",
        work=Work.HOSTED,
        category=Category.MESSAGING,
        icon="list-numbers",
        summary="Counts a Kafka topic's messages, or those that a consumer group has not read.",
        needs_connection=True,
        connections=CONNECTIONS,
        properties=(
            CONNECTION,
            TOPIC,
            TOPIC_NAME,
            Property(name="groupId", help="Consumer group whose unread messages count; missing: all of the topic's."),
        ),
        example={
            "name": "unread",
            "type": "MRSKafka",
            "location": {"x": 0, "y": 0},
            "properties": [
                {"name": "connectionName", "value": "kafka"},
                {"name": "topic", "value": "orders"},
                {"name": "groupId", "value": "billing"},
            ],
        },
        server=SERVER,
        repeated="Runs again: it only reads.",
    )

    async def act(self, context: Context, log: Log) -> Outcome:
        import aiokafka
        from aiokafka.errors import KafkaError

        topic, group = topic_of(context), context.properties.get("groupId", "").strip()
        settings = await self.settings(context.connection)
        partitions = await partitions_of(settings, topic)
        consumer = await opened(
            settings, aiokafka.AIOKafkaConsumer(**settings, group_id=group or None, enable_auto_commit=False)
        )
        try:
            places = [aiokafka.TopicPartition(topic, each) for each in partitions]
            consumer.assign(places)
            begins, ends = await consumer.beginning_offsets(places), await consumer.end_offsets(places)
            count = 0
            for place in places:
                committed = await consumer.committed(place) if group else None
                begin = begins[place] if committed is None else max(committed, begins[place])
                unread = max(0, ends[place] - begin)
                log(f"{topic}/{place.partition}: {unread:,}\n".encode())
                count += unread
        except (KafkaError, OSError) as error:
            raise KafkaFailed(f"{topic} can't be counted: {said(error)}") from None
        finally:
            await closed(consumer)
        (context.folder / OUTPUT).write_text(str(count))
        return Succeeded(output=OUTPUT, output_row_count=count)

    async def recall(self, context: Context) -> Outcome | None:
        return None
