"""The judge of the chaos finds nothing wrong where nothing is, and cries out at each kind of bug that is planted."""

from __future__ import annotations

import time
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tests.chaos.jobs import save, scheduled
from tests.chaos.judge import Judge
from tests.chaos.load import Wish
from tests.chaos.record import Fault, Record
from tests.e2e.house import house, until
from tests.servers.postgres import address_of, postgres_server, run_statements, settle  # noqa: F401

pytestmark = [pytest.mark.long, pytest.mark.postgres]

LEASE_SECONDS = 3.0
LOST = '\'{"kind_":"Failed","kind":"lost","message":"Its end is not known."}\''
TICK = "(SELECT id FROM definition WHERE name = 'tick')"
JOBS = ("chain", "fan", "retried", "broken", "loop", "call", "narrow", "stopped")


@dataclass
class Case:
    """A run that is over, and what is known of it. Changes befall a copy of its database."""

    server: Any
    database: str
    ledger: Path
    wishes: list[Wish]
    record: Record = field(default_factory=lambda: Record(LEASE_SECONDS, {"worker1": frozenset({"api1"})}))

    def judged(self, *statements: str, ledger: str | None = None, wishes: list[Wish] | None = None) -> Judge:
        copy = f"judged_{uuid.uuid4().hex}"
        admin = address_of(self.server, "postgres")
        settle(run_statements(admin, f"CREATE DATABASE {copy} TEMPLATE {self.database}"))
        try:
            address = address_of(self.server, copy)
            settle(run_statements(address, *statements))
            path = self.ledger.with_name(copy)
            path.write_text(self.ledger.read_text() if ledger is None else ledger)
            judge = Judge(address, path, Counter(), self.record)
            judge.judge(self.wishes if wishes is None else wishes, {})
            return judge
        finally:
            settle(run_statements(admin, f"DROP DATABASE {copy} WITH (FORCE)"))

    def of(self, job: str) -> int:
        found = next(wish.instance_id for wish in self.wishes if wish.job == job)
        assert found is not None
        return found


@pytest.fixture(scope="module")
def case(postgres_server: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Case]:  # noqa: F811
    database = f"case_{uuid.uuid4().hex}"
    admin = address_of(postgres_server, "postgres")
    settle(run_statements(admin, f"CREATE DATABASE {database}"))
    folder = tmp_path_factory.mktemp("judged")
    ledger = folder / "ledger"
    ledger.touch()
    wishes = []
    with house(folder, "--database-url", address_of(postgres_server, database)) as home:
        client = home.client()
        save(client, ledger, "http://127.0.0.1:9/")
        for name in scheduled(ledger):
            client.good("POST", f"jobs/{name}/start")
        for job in JOBS:
            body = {"jobParams": [{"name": "key", "value": f"k-{job}"}]}
            made = int(client.good("POST", f"jobs/{job}/run-immediate", body)["instanceId"])
            wishes.append(Wish(key=f"k-{job}", job=job, instance_id=made))
        stopped = wishes[-1]
        until(lambda: f"{stopped.instance_id} a " in ledger.read_text(), "it has begun")
        client.good("POST", f"jobs/stopped/instances/{stopped.instance_id}/stop")
        until(lambda: client.listed(jobName="tock")[0] > 2, "there were plan times")
        for name in scheduled(ledger):
            client.good("POST", f"jobs/{name}/stop")
        until(lambda: not client.listed(status="running")[0] + client.listed(status="waiting")[0], "all has ended")
        client.close()
        home.stop()
    yield Case(postgres_server, database, ledger, wishes)
    settle(run_statements(admin, f"DROP DATABASE {database} WITH (FORCE)"))


def said(judge: Judge, text: str) -> bool:
    return any(text in each for each in judge.found.wrong)


def test_a_run_in_which_nothing_went_wrong_is_found_to_be_right(case: Case) -> None:
    found = case.judged().found
    assert found.wrong == []
    assert found.effects >= found.instances


def test_what_was_done_twice_is_found(case: Case) -> None:
    line = f"{case.of('chain')} a 1 elsewhere\n"
    assert said(case.judged(ledger=case.ledger.read_text() + line), "was done 2 times")


def test_what_ended_and_was_never_done_is_found(case: Case) -> None:
    lines = case.ledger.read_text().splitlines(keepends=True)
    kept = "".join(line for line in lines if not line.startswith(f"{case.of('chain')} a "))
    assert said(case.judged(ledger=kept), "ended, but did nothing")


def test_what_nobody_knows_of_is_found(case: Case) -> None:
    ledger = case.ledger.read_text() + f"{case.of('chain')} a 2 elsewhere\n"
    assert said(case.judged(ledger=ledger), "is not known")


def test_an_accepted_run_that_is_gone_is_found(case: Case) -> None:
    lost = Wish(key="k-lost", job="chain", instance_id=4711)
    assert said(case.judged(wishes=[*case.wishes, lost]), "is not what was accepted")


def test_a_run_that_nobody_asked_for_is_found(case: Case) -> None:
    assert said(case.judged(wishes=case.wishes[1:]), "too many")


def test_a_slot_that_nobody_gave_back_is_found(case: Case) -> None:
    slot = "INSERT INTO slot SELECT place_id, id, 0, 'narrow', 1, 1, 1 FROM instance ORDER BY id LIMIT 1"
    assert said(case.judged(slot), "slots are left over")


def test_an_event_that_nobody_took_in_is_found(case: Case) -> None:
    posted = "INSERT INTO posted (instance_id, body) SELECT id, '{}' FROM instance ORDER BY id LIMIT 1"
    assert said(case.judged(posted), "posted events are left over")


def test_a_history_that_is_not_whole_is_found(case: Case) -> None:
    gone = f"DELETE FROM event WHERE (instance_id, seq) IN (SELECT instance_id, max(seq) FROM event WHERE instance_id = {case.of('chain')} GROUP BY 1)"  # noqa: E501
    assert said(case.judged(gone), "its history gives another state")


def test_a_counter_that_does_not_count_is_found(case: Case) -> None:
    assert said(case.judged("UPDATE instance_count SET n = n + 1 WHERE n = 1"), "counters are no counts")


def test_a_plan_time_that_was_left_out_is_found(case: Case) -> None:
    second = f"(SELECT id FROM instance WHERE job_id = {TICK} ORDER BY id OFFSET 1 LIMIT 1)"
    gone = [f"DELETE FROM {table} WHERE instance_id = {second}" for table in ("attempt", "event")]
    assert said(case.judged(*gone, f"DELETE FROM instance WHERE id = {second}"), "missing")


def lose(case: Case, runner: str = "worker1-00000000") -> str:
    where = f"instance_id = {case.of('chain')} AND node = 0"
    return f"UPDATE attempt SET outcome = {LOST}, runner = '{runner}' WHERE {where}"


def without_its_line(case: Case) -> str:
    lines = case.ledger.read_text().splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith(f"{case.of('chain')} a "))


@pytest.mark.parametrize(
    ("where", "explained"),
    [("", False), ("worker2", False), ("engine1", False), ("worker1", True), ("api1", True), ("db", True)],
)
def test_a_loss_is_explained_by_what_befell_its_host_or_who_that_needs(case: Case, where: str, explained: bool) -> None:
    now = time.time()
    case.record.faults[:] = [Fault("freeze", where, now - 600, lambda: None, 0.0, now)] if where else []
    judge = case.judged(lose(case), ledger=without_its_line(case))
    assert said(judge, "no fault explains it") is not explained
    assert judge.found.lost == 1
    case.record.faults.clear()


@pytest.mark.parametrize(("seconds", "explained"), [(0.1, False), (0.4, True)])
def test_waiting_for_a_processor_explains_a_loss_only_if_it_took_a_good_part_of_a_lease(
    seconds: float, explained: bool
) -> None:
    record = Record(LEASE_SECONDS, {})
    record.waits += [("worker1", 1000.0 + number, seconds) for number in range(4)]
    assert bool(record.explain(999.0, 1005.0, "worker1")) is explained
    assert not record.explain(999.0, 1005.0, "worker2"), "it was another host"
    assert not record.explain(1100.0, 1105.0, "worker1"), "it was long before"


def test_an_attempt_that_was_cancelled_by_nobody_is_found(case: Case) -> None:
    cancelled = LOST.replace("lost", "cancelled")
    where = f"instance_id = {case.of('chain')} AND node = 0"
    planted = f"UPDATE attempt SET outcome = {cancelled} WHERE {where}"
    assert said(case.judged(planted), "nobody asked for that")
