"""PostgreSQL keeps the contract; what only several servers on one database meet is below."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest
from tests.servers.postgres import address_of, run_statements

from arkwright.core.events import StopRequested
from arkwright.core.identity import Domain
from arkwright.errors import AlreadyExists, DatabaseAway, IllegalState, StoreUnavailable
from arkwright.store import migration
from arkwright.store.base import Kind, Place, Store
from arkwright.store.migration import Migration
from arkwright.store.open import open_store
from arkwright.store.postgres import CROSSED_SECONDS, PostgresStore
from arkwright.store.server_record import ServerEntry
from arkwright.testing.store_records import (
    ENGINE,
    HERE,
    NOON,
    OTHER_ENGINE,
    MakeStore,
    advance,
    everything,
    instance,
    make,
    promise,
    requested,
    running,
    write,
)
from arkwright.testing.store_suite import StoreSuite

pytestmark = [pytest.mark.anyio, pytest.mark.postgres]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def two(postgres_ready: str) -> AsyncIterator[tuple[Store, Store]]:
    """Two servers on one database."""
    stores = PostgresStore(postgres_ready), PostgresStore(postgres_ready)
    await asyncio.gather(*[store.open() for store in stores])
    yield stores
    await asyncio.gather(*[store.close() for store in stores])


class TestPostgresStore(StoreSuite):
    pytestmark = pytest.mark.postgres

    @pytest.fixture
    def make_store(self, postgres_ready: str) -> MakeStore:
        return lambda: open_store(postgres_ready)


# ---------------------------------------------------------------- two servers


async def test_two_servers_share_one_installation_and_no_id(two: tuple[Store, Store]) -> None:
    assert await two[0].installation_id() == await two[1].installation_id()
    ids = [store.next_id() for store in two for _ in range(1000)]
    assert len(set(ids)) == 2000


async def test_one_key_makes_one_instance_on_two_servers(two: tuple[Store, Store]) -> None:
    for round_ in range(10):
        answers = await asyncio.gather(
            *[
                store.create_instance(instance(store), owner=ENGINE, idempotency=promise(f"k{round_}"))
                for store in two * 3
            ]
        )
        assert len({answer.instance_id for answer in answers}) == 1
    assert (await two[0].list_instances(everything())).total == 10


async def test_an_instance_is_claimed_by_one_of_two_engines(two: tuple[Store, Store]) -> None:
    await two[0].register_engine(ENGINE, lease_ms=60_000)
    await two[1].register_engine(OTHER_ENGINE, lease_ms=60_000)
    made = {(await make(two[0], owner=None)).id for _ in range(60)}
    claimed: dict[str, list[int]] = {ENGINE: [], OTHER_ENGINE: []}

    async def claim(store: Store, engine: str) -> None:
        while sum(map(len, claimed.values())) < 60:
            claimed[engine] += await store.claim_instances(engine, limit=5)

    await asyncio.gather(claim(two[0], ENGINE), claim(two[1], OTHER_ENGINE))
    assert sorted(claimed[ENGINE] + claimed[OTHER_ENGINE]) == sorted(made)
    for engine, ids in claimed.items():
        assert {await two[0].owner_of(id_) for id_ in ids} <= {engine}


async def test_counters_are_right_when_two_servers_count_at_once(two: tuple[Store, Store]) -> None:
    async def work(store: Store, engine: str) -> None:
        for job in range(1, 6):
            new = await make(store, owner=engine, job_id=job)
            assert await advance(store, new, running(new), requested(new), owner=engine)

    await asyncio.gather(
        *[work(store, engine) for store, engine in zip(two, (ENGINE, OTHER_ENGINE), strict=True) for _ in range(8)]
    )
    page = await two[1].list_instances(everything(), limit=1000)
    assert page.total == len(page.items) == 80
    assert (await two[0].list_instances(everything(job_ids=[3]))).total == 16


async def test_what_one_server_leaves_wakes_the_other(two: tuple[Store, Store]) -> None:
    woken, changed = asyncio.Event(), asyncio.Event()
    own: list[int] = []
    two[1].on_wake(woken.set)
    two[1].on_identity_changed(changed.set)
    two[0].on_identity_changed(lambda: own.append(1))
    new = await make(two[0], owner=OTHER_ENGINE)
    await two[0].post(new.id, StopRequested(at_ms=NOON, operation_id="o", by="ada"))
    await woken.wait()
    assert len(await two[1].posted(OTHER_ENGINE)) == 1
    woken.clear()
    await make(two[0], owner=None)
    await woken.wait()
    await two[0].write_identity([Domain(id="d", name="D")])
    await changed.wait()
    assert len((await two[1].read_identity()).domains) == 1
    await two[1].write_identity([Domain(id="e", name="E")])
    changed.clear()
    await two[0].write_identity([Domain(id="f", name="F")])
    await changed.wait()
    assert own == [1]  # its own changes are no news


async def test_who_listens_hears_of_the_instances_of_other_servers_only(two: tuple[Store, Store]) -> None:
    foreign, own = asyncio.Event(), asyncio.Event()
    end = await two[1].on_foreign_changes(HERE, foreign.set)
    await two[0].on_foreign_changes(HERE, own.set)
    await two[1].on_foreign_changes(Place(project_id="p", workspace_id="elsewhere"), own.set)
    new = await make(two[0])
    await asyncio.wait_for(foreign.wait(), 10)
    foreign.clear()
    assert await advance(two[0], new, running(new), requested(new))
    await asyncio.wait_for(foreign.wait(), 10)
    assert not own.is_set()
    end()
    foreign.clear()
    heard = asyncio.Event()
    await two[1].on_foreign_changes(HERE, heard.set)
    await make(two[0])
    await asyncio.wait_for(heard.wait(), 10)
    assert not foreign.is_set()


async def test_a_change_of_one_server_is_seen_by_the_other_at_once(two: tuple[Store, Store]) -> None:
    await two[0].create_definition(HERE, Kind.JOB, write())
    for version in range(2, 6):
        found = await two[1].get_definition(HERE, Kind.JOB, "job")
        assert found is not None
        assert found.version == version - 1
        await two[version % 2].save_definition(HERE, Kind.JOB, "job", write())
    await two[0].delete_definition(HERE, Kind.JOB, "job")
    assert await two[1].get_definition(HERE, Kind.JOB, "job") is None


async def test_of_two_servers_one_gets_a_name(two: tuple[Store, Store]) -> None:
    for name in ("a", "b", "c"):
        answers = await asyncio.gather(
            *[store.create_definition(HERE, Kind.JOB, write(name)) for store in two], return_exceptions=True
        )
        assert [isinstance(answer, AlreadyExists) for answer in answers].count(True) == 1
    renames = [store.save_definition(HERE, Kind.JOB, name, write("z")) for store, name in zip(two, "ab", strict=True)]
    answers = await asyncio.gather(*renames, return_exceptions=True)
    assert [isinstance(answer, AlreadyExists) for answer in answers].count(True) == 1


# ---------------------------------------------------------------- losing the server


class Plug:
    """Pulls the server away from one database, and gives it back."""

    def __init__(self, server: Any, address: str) -> None:
        self._admin = address_of(server, "postgres")
        self._name = urlsplit(address).path[1:]

    async def pull(self) -> None:
        await run_statements(
            self._admin,
            f"ALTER DATABASE {self._name} WITH ALLOW_CONNECTIONS false",
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{self._name}'",
        )

    async def restore(self) -> None:
        await run_statements(self._admin, f"ALTER DATABASE {self._name} WITH ALLOW_CONNECTIONS true")


@pytest.fixture
async def plugged(postgres_server: Any, postgres_ready: str) -> AsyncIterator[tuple[Store, Plug]]:
    store = PostgresStore(postgres_ready)
    await store.open()
    plug = Plug(postgres_server, postgres_ready)
    yield store, plug
    await plug.restore()
    await store.close()


async def test_a_lost_connection_is_replaced_and_nobody_notices(plugged: tuple[Store, Plug]) -> None:
    store, plug = plugged
    new = await make(store)
    await plug.pull()
    await plug.restore()
    assert await advance(store, new, running(new), requested(new))
    assert (await store.list_instances(everything())).total == 1
    assert (await store.load_instance(new.id)) == running(new)


async def test_a_lost_server_is_reported_and_comes_back(
    plugged: tuple[Store, Plug], caplog: pytest.LogCaptureFixture
) -> None:
    store, plug = plugged
    new = await make(store)
    woken, changed = asyncio.Event(), asyncio.Event()
    store.on_wake(woken.set)
    store.on_identity_changed(changed.set)
    await plug.pull()
    for call in (store.ping(), store.load_instance(new.id), store.create_instance(instance(store), owner=ENGINE)):
        with pytest.raises(DatabaseAway, match="can't be used"):
            await call
    await plug.restore()
    await store.ping()
    await make(store)
    assert (await store.list_instances(everything())).total == 2
    # Whatever was made known meanwhile was missed, so everybody looks again.
    await asyncio.gather(woken.wait(), changed.wait())
    away, back = caplog.records  # however many met it
    assert (away.name, "The database is away" in away.message) == ("arkwright.store", True)
    assert "The database is back" in back.message


class LosesTheAnswer:
    """A connection that breaks when its COMMIT has been done and not yet been answered."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    async def execute(self, text: str, *args: Any, **kwargs: Any) -> str:
        answer = str(await self._connection.execute(text, *args, **kwargs))
        if text == "COMMIT":
            self._connection.terminate()
            raise asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation")
        return answer


async def test_what_was_made_when_the_answer_was_lost_is_claimed(two: tuple[PostgresStore, PostgresStore]) -> None:
    store, _ = two
    await store.register_engine(ENGINE, lease_ms=60_000)
    await make(store)
    woken = asyncio.Event()
    store.on_wake(woken.set)
    store._connection = LosesTheAnswer(store._connection)
    new = instance(store)
    with pytest.raises(StoreUnavailable, match="can't be used"):
        await store.create_instance(new, owner=ENGINE, idempotency=promise())
    await woken.wait()
    assert new.id in await store.claim_instances(ENGINE, limit=9)
    assert list(await store.claim_instances(ENGINE, limit=9)) == []
    again = await store.create_instance(instance(store), owner=ENGINE, idempotency=promise())
    assert (again.instance_id, again.replayed) == (new.id, True)


# ---------------------------------------------------------------- ended in favour of others


async def end_writes(address: str, times: int) -> None:
    """So many of the next new instances end their transaction, as a deadlock does it to one of two."""
    await run_statements(
        address,
        "CREATE SEQUENCE ended",
        f"""CREATE FUNCTION end_it() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            IF nextval('ended') <= {times} THEN
                RAISE EXCEPTION 'deadlock detected' USING ERRCODE = 'deadlock_detected';
            END IF;
            RETURN NEW;
        END $$""",
        "CREATE TRIGGER end_it BEFORE INSERT ON instance FOR EACH ROW EXECUTE FUNCTION end_it()",
    )


async def test_a_group_that_is_ended_in_favour_of_others_runs_again_until_it_is_done_once(
    two: tuple[Store, Store], postgres_ready: str
) -> None:
    await make(two[0])
    await end_writes(postgres_ready, len(CROSSED_SECONDS))
    made = [instance(two[0]) for _ in range(3)]
    await asyncio.gather(*[two[0].create_instance(each, owner=ENGINE) for each in made])
    page = await two[1].list_instances(everything())
    assert page.total == 4
    assert {each.id for each in made} <= {each.id for each in page.items}


async def test_who_gives_way_each_time_is_told_that_nothing_was_done_and_may_send_it_again(
    two: tuple[Store, Store], postgres_ready: str
) -> None:
    await make(two[0])
    await end_writes(postgres_ready, len(CROSSED_SECONDS) + 1)
    new = instance(two[0])
    with pytest.raises(StoreUnavailable, match=r"in favour of others.*Nothing of it was done: send it again"):
        await two[0].create_instance(new, owner=ENGINE, idempotency=promise())
    assert (await two[1].list_instances(everything())).total == 1
    assert (await two[0].create_instance(new, owner=ENGINE, idempotency=promise())).replayed is False
    assert (await two[1].list_instances(everything())).total == 2


@pytest.mark.parametrize("times", [1, 2, 3])
async def test_a_refusal_is_of_one_writer_however_often_its_group_had_to_run(
    two: tuple[Store, Store], postgres_ready: str, times: int
) -> None:
    known = await make(two[0])
    await end_writes(postgres_ready, times)
    fine = instance(two[0])
    answers = await asyncio.gather(
        two[0].create_instance(fine, owner=ENGINE),
        two[0].create_instance(known, owner=ENGINE),
        return_exceptions=True,
    )
    assert isinstance(answers[1], AlreadyExists), answers
    assert getattr(answers[0], "instance_id", answers[0]) == fine.id
    assert (await two[1].list_instances(everything())).total == 2


async def test_a_server_that_is_not_there_is_reported(postgres_address: str, tmp_path: Any) -> None:
    store = PostgresStore(f"postgresql://postgres@/none?host={tmp_path}")
    with pytest.raises(StoreUnavailable, match="can't be reached"):
        await store.open()
    with pytest.raises(StoreUnavailable, match="not open"):
        await store.ping()


async def test_a_backup_is_left_to_the_database(two: tuple[Store, Store]) -> None:
    with pytest.raises(IllegalState, match="pg_dump"):
        await two[0].backup("x")


# ---------------------------------------------------------------- migrations

NEXT = Migration(
    migration.migrations("postgres")[-1].number + 1, "next.postgres.sql", "CREATE TABLE next (\n    a text\n);\n"
)


async def tables(address: str) -> set[str]:
    connection = await asyncpg.connect(address)
    rows = await connection.fetch("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'")
    await connection.close()
    return {row[0] for row in rows}


async def test_servers_that_start_together_migrate_once(postgres_address: str) -> None:
    known = migration.migrations("postgres")
    stores = [PostgresStore(postgres_address, migrations=[*known, NEXT]) for _ in range(3)]
    await asyncio.gather(*[store.open() for store in stores])
    assert len({await store.installation_id() for store in stores}) == 1
    await asyncio.gather(*[store.close() for store in stores])
    said = re.findall(r"^CREATE TABLE (\w+)", "".join(each.sql for each in [*known, NEXT]), re.MULTILINE)
    assert await tables(postgres_address) == {"schema_version", "audit_default", *said}  # renamed in 0011
    with pytest.raises(StoreUnavailable, match=f"version {NEXT.number}, .*; this program knows {known[-1].number}"):
        await PostgresStore(postgres_address, migrations=known).open()


# ---------------------------------------------------------------- rolling upgrades

LEVEL = migration.migrations("postgres")[-1].number
EXPAND = Migration(
    LEVEL + 1, "expand.postgres.sql", f"-- oldest: {LEVEL:04}\nALTER TABLE token ADD COLUMN more text;\n"
)
CONTRACT = Migration(LEVEL + 2, "contract.postgres.sql", f"-- oldest: {LEVEL + 1:04}\nDROP TABLE lease;\n")


def server(name: str) -> ServerEntry:
    return ServerEntry(name=name, roles=("engine",), version=name, url="", since_ms=NOON)


async def test_an_old_and_a_new_server_work_side_by_side_on_an_expanded_schema(postgres_address: str) -> None:
    known = migration.migrations("postgres")
    old, new = PostgresStore(postgres_address), PostgresStore(postgres_address, migrations=[*known, EXPAND])
    await old.open()
    await old.register_server(server("old"), lease_ms=60_000)
    await new.open()
    await new.register_server(server("new"), lease_ms=60_000)
    made = await make(old, owner=None)
    assert await new.claim_instances(ENGINE, limit=9) == [made.id]
    assert await advance(new, made, running(made), requested(made))
    assert await old.get_instance(HERE, made.id) is not None
    assert [each.schema_level for each in await old.list_servers()] == [LEVEL + 1, LEVEL]
    again = PostgresStore(postgres_address)  # the old one is started again beside it
    await again.open()
    assert (await again.list_instances(everything())).total == 1
    await asyncio.gather(*[store.close() for store in (old, new, again)])


async def test_a_schema_is_not_contracted_while_a_server_needs_what_would_go(postgres_address: str) -> None:
    known = migration.migrations("postgres")
    old, newest = (
        PostgresStore(postgres_address),
        PostgresStore(postgres_address, migrations=[*known, EXPAND, CONTRACT]),
    )
    await old.open()
    await old.register_server(server("old"), lease_ms=60_000)
    with pytest.raises(StoreUnavailable, match=r"still run and can't work with this version's schema: old.*Stop them"):
        await newest.open()
    assert "lease" in await tables(postgres_address)
    await old.register_server(server("old"), lease_ms=0)
    await newest.open()
    assert "lease" not in await tables(postgres_address)
    await asyncio.gather(old.close(), newest.close())
    with pytest.raises(StoreUnavailable, match=f"needs a program that knows {LEVEL + 1}; this program knows {LEVEL}"):
        await PostgresStore(postgres_address).open()


async def test_a_migration_that_lands_late_is_still_run(postgres_address: str) -> None:
    known = migration.migrations("postgres")
    late = Migration(LEVEL + 1, "late.postgres.sql", f"-- oldest: {LEVEL:04}\nCREATE TABLE late (a text);\n")
    early = Migration(LEVEL + 2, "early.postgres.sql", f"-- oldest: {LEVEL:04}\nCREATE TABLE early (a text);\n")
    for migrations in ([*known, early], [*known, late, early]):
        store = PostgresStore(postgres_address, migrations=migrations)
        await store.open()
        await store.close()
    assert {"late", "early"} <= await tables(postgres_address)


async def test_what_a_migration_says_of_older_programs_is_never_newer_than_itself() -> None:
    for dialect in ("sqlite", "postgres"):
        for each in migration.migrations(dialect):
            assert each.oldest <= each.number, each.name
