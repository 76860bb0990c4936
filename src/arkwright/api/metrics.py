"""Metrics for Prometheus: what this server has counted, and how full the shared queues are.

Rules: counting costs the counted next to nothing (plain numbers, turned into metrics here, when somebody asks), and a
scrape's cost follows from what waits and runs now, never from history. Names of jobs, users and workspaces are in no
metric. Whoever reads them shows ARKWRIGHT_METRICS_TOKEN, or is an administrator, on this machine too: a proxy on it may
bring anybody.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from arkwright.api.access import authenticate, bearer
from arkwright.api.call import Call
from arkwright.api.request_counts import RequestCounts
from arkwright.api.route import Access, Route
from arkwright.core.workers import Way
from arkwright.engine.tallies import SECONDS, Tallies
from arkwright.errors import Forbidden, NotFound, Unauthenticated
from arkwright.iam.model import Action, can
from arkwright.store.group import SIZES, Counts
from arkwright.store.server_record import Depths, ServerRow

if TYPE_CHECKING:
    from prometheus_client.core import Metric
    from prometheus_client.registry import CollectorRegistry

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Where the numbers are, each asked at a scrape."""

    token: str
    """What a scraper shows; empty: none is set."""
    requests: RequestCounts
    """Those of the short way among them, which are counted by the HTTP server alone."""
    commits: Counts
    writers_waiting: Callable[[], int]
    tallies: Tallies
    in_hand: Callable[[], int]
    queued: Callable[[], int]
    """Local programs that wait for their turn."""
    claimed: Callable[[], int]
    handed_over: Callable[[], int]
    holds: Callable[[], dict[str, bool]]
    """Per lease whether it is this server's."""
    lapses: Callable[[], int]
    takeovers: Callable[[], int]
    ways: Callable[[], Sequence[Way]]
    """How this server reaches workers."""
    clock_ahead_ms: Callable[[], int]


@dataclass(frozen=True, slots=True, eq=False)
class _Scrape:
    """One moment, as prometheus_client collects it."""

    sources: Sources
    depths: Depths
    servers: Sequence[ServerRow]

    def collect(self) -> Iterable[Metric]:
        yield from self._requests()
        yield from self._store()
        yield from self._engine()
        yield from self._waiting()
        yield from self._ways()
        yield from self._leases()

    def _requests(self) -> Iterable[Metric]:
        from prometheus_client.core import CounterMetricFamily

        answered = CounterMetricFamily(
            "arkwright_http_requests", "Requests answered, by route.", labels=("method", "route", "status")
        )
        for (method, route, status), number in sorted(self.sources.requests.answered.items()):
            answered.add_metric((method, route, str(status)), number)
        yield answered
        yield CounterMetricFamily(
            "arkwright_http_run_immediate_direct",
            "Calls of run-immediate answered the short way.",
            self.sources.requests.direct,
        )

    def _store(self) -> Iterable[Metric]:
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

        commits = self.sources.commits
        yield CounterMetricFamily(
            "arkwright_accepted", "Instances that requests made durable through this server.", commits.accepted
        )
        yield _histogram(
            "arkwright_commit_writes",
            "Writers that shared a commit.",
            SIZES,
            commits.sizes,
            commits.writes,
        )
        yield GaugeMetricFamily(
            "arkwright_store_writers_waiting", "Writers that wait for a commit.", self.sources.writers_waiting()
        )

    def _engine(self) -> Iterable[Metric]:
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

        sources = self.sources
        yield GaugeMetricFamily("arkwright_instances_in_hand", "Unended instances of this engine.", sources.in_hand())
        yield CounterMetricFamily(
            "arkwright_instances_claimed", "Instances taken up that were not made here.", sources.claimed()
        )
        yield CounterMetricFamily(
            "arkwright_instances_handed_over", "Instances let go of for other engines.", sources.handed_over()
        )
        ended = CounterMetricFamily("arkwright_instances_ended", "Instances that ended here.", labels=("status",))
        for status, number in sorted(sources.tallies.ended.items()):
            ended.add_metric((status,), number)
        yield ended
        durations = HistogramMetricFamily("arkwright_node_seconds", "How long nodes ran.", labels=("type",))
        for type_, each in sorted(sources.tallies.nodes.items()):
            durations.add_metric((type_,), _buckets(SECONDS, each.classes), each.sum_seconds)
        yield durations

    def _waiting(self) -> Iterable[Metric]:
        from prometheus_client.core import GaugeMetricFamily

        depths = self.depths
        waiting = GaugeMetricFamily(
            "arkwright_waiting", "What waits, in the whole installation (program: on this server).", labels=("reason",)
        )
        for reason, number in (
            ("condition", depths.gated),
            ("slot", depths.slots_waiting),
            ("engine", depths.unowned),
            ("worker", depths.offered),
            ("program", self.sources.queued()),
        ):
            waiting.add_metric((reason,), number)
        yield waiting
        given = GaugeMetricFamily(
            "arkwright_worker_attempts",
            "Attempts given to a group of workers that have not ended, in the whole installation.",
            labels=("group", "state"),
        )
        for group, (unclaimed, claimed) in sorted(depths.groups.items()):
            given.add_metric((group, "waiting"), unclaimed)
            given.add_metric((group, "running"), claimed)
        yield given
        yield GaugeMetricFamily("arkwright_slots_held", "Slots that nodes hold.", depths.slots_held)
        yield GaugeMetricFamily("arkwright_slots_leaked", "Slots held by what has ended.", depths.slots_leaked)
        yield GaugeMetricFamily("arkwright_outbox_notices", "Notices that are not delivered.", depths.notices)
        yield GaugeMetricFamily("arkwright_posted_events", "Events on their way to an engine.", depths.posted)
        yield GaugeMetricFamily(
            "arkwright_scheduler_lag_seconds", "How long the oldest due plan time has been due.", depths.lag_ms / 1000
        )

    def _ways(self) -> Iterable[Metric]:
        from prometheus_client.core import GaugeMetricFamily

        connected = GaugeMetricFamily(
            "arkwright_dask_scheduler_connected",
            "Whether this server is connected to a Dask scheduler of these groups (*: all that no other one is for).",
            labels=("scheduler", "groups"),
        )
        for each in self.sources.ways():
            groups = ",".join((*each.groups, *("*" if each.others else ())))
            connected.add_metric((each.url, groups), int(each.connected))
        yield connected

    def _leases(self) -> Iterable[Metric]:
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

        sources = self.sources
        held = GaugeMetricFamily("arkwright_lease_held", "Whether a lease is this server's.", labels=("lease",))
        for lease, holds in sorted(sources.holds().items()):
            held.add_metric((lease,), int(holds))
        yield held
        yield CounterMetricFamily("arkwright_lease_lapses", "Renewals after the lease's end.", sources.lapses())
        yield CounterMetricFamily(
            "arkwright_scheduler_takeovers", "How often this server began to plan.", sources.takeovers()
        )
        yield GaugeMetricFamily(
            "arkwright_clock_ahead_seconds",
            "How far the database's clock is ahead of this machine's.",
            sources.clock_ahead_ms() / 1000,
        )
        servers = GaugeMetricFamily("arkwright_servers", "Servers on this database.", labels=("state",))
        for state, number in (
            ("running", sum(each.alive and not each.draining for each in self.servers)),
            ("draining", sum(each.alive and each.draining for each in self.servers)),
            ("gone", sum(not each.alive for each in self.servers)),
        ):
            servers.add_metric((state,), number)
        yield servers


async def show_metrics(call: Call) -> Response:
    from prometheus_client import generate_latest

    sources = call.parts.metrics
    if sources is None:
        raise NotFound("This server counts nothing.")
    await _admit(call, sources.token)
    store = call.parts.store
    scrape = _Scrape(sources, await store.depths(now_ms=call.parts.now_ms()), await store.list_servers())
    return Response(generate_latest(_registry(scrape)), media_type=MEDIA_TYPE)


def _registry(scrape: _Scrape) -> CollectorRegistry:
    from prometheus_client import GC_COLLECTOR, PLATFORM_COLLECTOR, PROCESS_COLLECTOR
    from prometheus_client.registry import CollectorRegistry

    registry = CollectorRegistry()
    for each in (PROCESS_COLLECTOR, PLATFORM_COLLECTOR, GC_COLLECTOR, scrape):
        collector: Any = each
        registry.register(collector)
    return registry


async def _admit(call: Call, token: str) -> None:
    given = bearer(call)
    if token and given:
        if hmac.compare_digest(given.encode(), token.encode()):
            return
        raise Unauthenticated("This is not the token that metrics are read with.", hint="See ARKWRIGHT_METRICS_TOKEN.")
    actor = await authenticate(call, None)
    if not can(actor, Action.USER_MANAGE, None):
        raise Forbidden(
            f"{actor.user_name} is no administrator of the installation.",
            hint="Read metrics with ARKWRIGHT_METRICS_TOKEN, as Authorization: Bearer TOKEN.",
        )


def _buckets(bounds: Sequence[float], classes: Sequence[int]) -> list[tuple[str, float]]:
    names = [*(f"{bound:g}" for bound in bounds), "+Inf"]
    return list(zip(names, map(float, accumulate(classes)), strict=True))


def _histogram(name: str, text: str, bounds: Sequence[float], classes: Sequence[int], total: float) -> Metric:
    from prometheus_client.core import HistogramMetricFamily

    return HistogramMetricFamily(name, text, buckets=_buckets(bounds, classes), sum_value=total)


ROUTES = (
    Route(
        method="GET",
        path="/metrics",
        handler=show_metrics,
        operation="showMetrics",
        summary="What this server counts, in the text format of Prometheus.",
        tag="server",
        access=Access.PUBLIC,
        media_type="text/plain",
        ours=True,
    ),
)
