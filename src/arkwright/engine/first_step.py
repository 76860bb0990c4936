"""The first step of an instance, taken before it is stored: making it and its beginning are one commit.

Rules: what is worked out here is the very share that the loop would commit next, and nothing is acted on before it is
durable. Where anything but the instance itself would have to be read or made (notices to tell, other jobs to start), or
where the step can't be taken, the answer is None: then the instance is made alone, and the loop takes its first step.
A defect is told in the log, once per instance, and keeps nobody from having their run.
"""

from __future__ import annotations

import logging

from arkwright.core.commands import OpenChildren, StartChildren
from arkwright.core.events import InstanceRequested
from arkwright.core.instance import Instance
from arkwright.core.job import Plan
from arkwright.core.step import step
from arkwright.engine.alerts import Alerts
from arkwright.engine.commit import Share
from arkwright.engine.placing import Placing

log = logging.getLogger("arkwright.engine")


class FirstStep:
    def __init__(self, owner: str, alerts: Alerts | None, placing: Placing) -> None:
        self._owner = owner
        self._alerts = alerts
        self._placing = placing

    def of(self, plan: Plan, instance: Instance) -> Share | None:
        event = InstanceRequested(at_ms=instance.submit_time_ms, instance=instance)
        try:
            after, commands = step(plan, instance, event)
            if after is instance or after.ended:
                return None
            if any(isinstance(each, OpenChildren | StartChildren) for each in commands):
                return None
            share = Share(instance)
            share.add(event, after, commands, runner=self._owner)
            quiet = self._alerts is None or self._alerts.quiet(share)
            return share if quiet and self._placing.at_once(share) else None
        except Exception:  # where the loop meets it again, it knows what to do
            log.exception("the first step of instance %d can't be taken with its making", instance.id)
            return None
