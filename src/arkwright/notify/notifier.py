"""Everything that tells people, as one part: the rules, the delivery and the two watches."""

from __future__ import annotations

from collections.abc import Callable

from arkwright.core.alerts import AlertPolicy
from arkwright.engine.alerts import AlertRules, Alerts
from arkwright.engine.clock import Clock
from arkwright.notify.delivery import Delivery
from arkwright.notify.lateness import LateWatch, Places
from arkwright.notify.sender import Sender
from arkwright.notify.stall import StallWatch
from arkwright.store.base import Store


class Notifier:
    def __init__(
        self, *, store: Store, clock: Clock, sender: Sender, places: Places, policy: Callable[[str], AlertPolicy]
    ) -> None:
        rules = AlertRules(store)
        self.sender = sender
        self.alerts = Alerts(store, rules, policy)
        """For the engine."""
        self.stall = StallWatch(store=store, clock=clock, rules=rules, places=places)
        """For the planner: `stall.expect`."""
        self._delivery = Delivery(store=store, clock=clock, send=sender.send)
        self._lateness = LateWatch(store=store, clock=clock, rules=rules, places=places)

    async def open(self) -> None:
        await self._delivery.open()
        await self._lateness.open()

    async def close(self) -> None:
        await self._lateness.close()
        await self.stall.close()
        await self._delivery.close()
        await self.sender.close()
