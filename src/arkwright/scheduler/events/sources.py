"""Which source a trigger listens to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from arkwright.core.schedule_document import read_cron, read_event
from arkwright.errors import InvalidInput
from arkwright.objects.base import Objects
from arkwright.scheduler.events.base import Source
from arkwright.scheduler.events.cron import CronSource, OnceSource
from arkwright.scheduler.events.kafka import Connect, KafkaSource
from arkwright.scheduler.events.obs import News, ObsSource
from arkwright.store.trigger_record import Trigger, TriggerKind


class Sources:
    def __init__(self, *, objects: Objects, news: News | None, connect: Connect, fence: Mapping[str, Any]) -> None:
        """`fence`: which addresses may be connected to, as for nodes (`nodes.network_fence`)."""
        self._objects = objects
        self._news = news
        self._connect = connect
        self._fence = fence

    def __call__(self, trigger: Trigger) -> Source | None:
        """None: nothing is listened to. Raises `InvalidInput` for a document that can't be read (any more)."""
        match trigger.kind:
            case TriggerKind.WEBHOOK:
                return None
            case TriggerKind.ONCE:
                return OnceSource()
            case TriggerKind.CRON:
                zone = str(trigger.body.get("time_zone") or "UTC")
                cron = read_cron(trigger.body.get("cron"), "cronTrigger", default_zone=zone)
                if cron is None:
                    raise InvalidInput("Its cronTrigger is empty.", field="cronTrigger")
                return CronSource(cron)
            case TriggerKind.KAFKA | TriggerKind.OBS:
                event = read_event(trigger.body.get("event"), "event")
                if event is None:
                    raise InvalidInput("Its event is empty.", field="event")
                if trigger.kind is TriggerKind.KAFKA:
                    return KafkaSource(event, self._connect, self._fence)
                return ObsSource(event, self._objects, self._news)
