"""What `db check` sees: each kind of damage, named; and counters made right again."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from tests.servers.database import changed
from tests.store.test_notices import run
from tests.store.test_retention import ended

from arkwright.core.instance import InstanceStatus
from arkwright.store.base import Kind, Store
from arkwright.store.check import Finding, check
from arkwright.store.move import opened
from arkwright.store.repair import repair
from arkwright.testing.store_records import ENGINE, HERE, NOON, advance, make, requested, running, write

DAY = 86_400_000


async def rich(store: Store) -> None:
    await store.register_engine(ENGINE, lease_ms=60_000)
    for name in ("one", "two"):
        await store.create_definition(HERE, Kind.JOB, write(name))
    job = await store.get_definition(HERE, Kind.JOB, "one")
    assert job is not None
    for number in range(4):
        await ended(store, NOON + number * DAY, job_id=job.id)
    live = await make(store, plan_time_ms=NOON, job_id=job.id)
    assert await advance(store, live, running(live, status=InstanceStatus.RUNNING), requested(live))


async def findings(address: str) -> dict[str, Finding]:
    async with opened(address) as end:
        found: Sequence[Finding] = await check(end)
    return {each.check: each for each in found}


def test_a_sound_database_has_nothing_wrong(address: str) -> None:
    run(address, rich)
    found = asyncio.run(findings(address))
    assert {name: each.named for name, each in found.items() if not each.fine} == {}
    assert set(found) == {
        *("schema", "instance counters", "definition counters"),
        *("instances", "pinned versions", "owners", "orphans"),
    }


@pytest.mark.parametrize(
    ("name", "statement", "told"),
    [
        ("instance counters", "UPDATE instance_count SET n = n + 1 WHERE width_ms = 86400000", "width 86400000"),
        ("instance counters", "DELETE FROM instance_count WHERE width_ms = 60000 AND job_id = -1", "width 60000"),
        ("definition counters", "UPDATE definition_count SET n = 7", "7"),
        ("pinned versions", "DELETE FROM definition_version", "version 1 of definition"),
        ("owners", "DELETE FROM engine", ENGINE),
        ("orphans", "DELETE FROM instance WHERE ended = 1", "attempt"),
        ("schema", "DELETE FROM schema_version WHERE version = (SELECT max(version) FROM schema_version)", ""),
    ],
)
def test_damage_is_found_and_named(address: str, name: str, statement: str, told: str) -> None:
    run(address, rich)
    changed(address, statement)
    finding = asyncio.run(findings(address))[name]
    assert not finding.fine
    assert told in " ".join(finding.named)
    assert finding.hint


def test_repair_counts_anew_and_frees_what_nobody_can_claim(address: str) -> None:
    run(address, rich)
    wrong = ("UPDATE instance_count SET n = 99", "DELETE FROM definition_count", "DELETE FROM engine")
    changed(address, *wrong)
    asyncio.run(repair(address))
    assert all(each.fine for each in asyncio.run(findings(address)).values())

    async def claimed(store: Store) -> None:
        await store.register_engine("another", lease_ms=60_000)
        assert len(await store.claim_instances("another", limit=10)) == 1

    run(address, claimed)
