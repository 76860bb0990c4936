"""Which notices go into a tick's commit: the workspaces' rules, kept in memory, asked about each change.

Rules: a rule counts from the moment its write is known here, at once in this process and within moments in others;
a change of state and its notices are one transaction, so what is decided here is told once or not at all. A rule that
can't be read is left out and logged; it never holds up an instance.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence

from arkwright.core.alerts import AlertPolicy, AlertRule, Notice, notable, notices, read_rule
from arkwright.engine.commit import Share
from arkwright.errors import StoreUnavailable
from arkwright.store.base import Definition, Kind, Place, Store

log = logging.getLogger("arkwright.engine")

_PAGE = 1000


class AlertRules:
    """The rules of each workspace, read once and again after each change."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: dict[Place, Sequence[AlertRule]] = {}
        self._epoch = 0
        store.on_rules_changed(self._forget)

    def _forget(self) -> None:
        self._epoch += 1
        self._known.clear()

    def in_hand(self, place: Place) -> Sequence[AlertRule] | None:
        """None: they must be read first."""
        return self._known.get(place)

    async def of(self, place: Place) -> Sequence[AlertRule]:
        known = self._known.get(place)
        if known is not None:
            return known
        epoch = self._epoch
        found: list[Definition] = []
        while True:
            page = await self._store.list_definitions(place, Kind.ALARM_RULE, offset=len(found), limit=_PAGE)
            found += page.items
            if len(page.items) < _PAGE:
                break
        rules = [rule for each in found if (rule := _read(each)) is not None]
        if epoch == self._epoch:
            self._known[place] = rules
        return rules


def _read(stored: Definition) -> AlertRule | None:
    try:
        return read_rule(stored.id, stored.name, stored.body, since_ms=stored.updated_ms)
    except (TypeError, ValueError, AttributeError) as error:
        log.warning("the alarm rule %r of workspace %s can't be read: %s", stored.name, stored.place, error)
        return None


class Alerts:
    def __init__(
        self, store: Store, rules: AlertRules, policy: Callable[[str], AlertPolicy] = lambda _: AlertPolicy()
    ) -> None:
        """`policy`: of a workspace's id."""
        self._store = store
        self._rules = rules
        self._policy = policy

    def quiet(self, share: Share) -> bool:
        """Whether it is certain, without a look into the store, that nothing is to be told of a share."""
        after = share.after
        rules = self._rules.in_hand(Place(project_id=after.project_id, workspace_id=after.workspace_id))
        return rules is not None and (not rules or not self._told(rules, share))

    async def decide(self, shares: Iterable[Share]) -> None:
        """Put into each share what is to be told of it. Raises `StoreUnavailable`."""
        for share in shares:
            if not notable(share.before, share.after):
                continue
            try:
                await self._decide(share)
            except StoreUnavailable:
                raise
            except Exception:  # what can't be told must not keep an instance from going on
                log.exception("nothing is told of instance %d", share.after.id)

    async def _decide(self, share: Share) -> None:
        after = share.after
        rules = await self._rules.of(Place(project_id=after.project_id, workspace_id=after.workspace_id))
        told = self._told(rules, share) if rules else ()
        if told:
            await self._store.reserve_ids(len(told))
            share.notices = [(self._store.next_id(), each) for each in told]

    def _told(self, rules: Sequence[AlertRule], share: Share) -> Sequence[Notice]:
        before, after = share.before, share.after
        at_ms = max((event.at_ms for event in share.events), default=after.submit_time_ms)
        policy = self._policy(after.workspace_id)
        return notices(rules, policy, before, after, version=before.version + 1, at_ms=at_ms)
