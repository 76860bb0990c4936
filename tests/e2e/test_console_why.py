"""Why something waits or fails, in a real browser: health, and the page of an instance.

What it needs, and where the screenshots go: `tests/e2e/console.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from typing import Any
from urllib.parse import urlsplit

import pytest
from tests.e2e.console import AXE, NEEDS, Console, Look, chromium, expect, logged_in
from tests.e2e.house import House, house, node, until

pytest.importorskip("distributed", reason="the extra `dask` is not installed")
pytestmark = [*NEEDS, pytest.mark.long]

AWAY = "tcp://127.0.0.1:9"
"""Nobody listens there."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house(tmp_path_factory.mktemp("why"), "--executor", f"gpu={AWAY}") as made:
        yield made


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as found:
        yield found


@pytest.fixture
def console(browser: Any, home: House) -> Iterator[Console]:
    with logged_in(browser, home) as made:
        yield made


def why(console: Console) -> Any:
    return console.page.get_by_role("region", name="Why it waits")


@pytest.mark.skipif(not AXE.exists(), reason="axe-core is not installed: make ui")
def test_a_scheduler_that_is_away_is_told_with_what_waits_for_it_in_each_language(
    console: Console, home: House
) -> None:
    page, look = console.page, Look(console)
    until(lambda: "warnings" in home.get("/readyz").json, "the server noticed")
    console.go("/health")
    expect(page.get_by_text("A Dask scheduler of the groups gpu of workers can't be reached.")).to_be_visible()
    row = page.get_by_role("row").filter(has_text=AWAY)
    expect(row).to_contain_text("gpu")
    expect(row).to_contain_text("can't be reached")
    expect(row).to_contain_text("Nodes of these groups wait; all others go on.")
    look.at("health-dask")
    for language, said in (("Deutsch", "nicht erreichbar"), ("中文", "无法连接")):
        page.locator("header").get_by_role("button").first.click()
        page.get_by_role("menuitem", name=language).click()
        expect(row).to_contain_text(said)
        look.at(f"health-dask-{page.evaluate('document.documentElement.lang')}")
    assert not look.found, "\n".join(look.found)
    assert console.complaints == []


def test_an_instance_that_runs_says_what_its_nodes_wait_for(console: Console, home: House) -> None:
    with closing(home.client()) as client:
        steps = (
            node("prepare", statement="true"),
            node("train", "Shell", "prepare", statement="true", workerGroup="gpu"),
            node("publish", "Shell", "train", statement="true"),
        )
        client.save_job("on_gpu", *steps)
        client.save_job("retried", node("load", statement="echo refused >&2; exit 7", retryTimes=2, retryInterval=120))
        waits, retried = client.run("on_gpu"), client.run("retried")
    console.go(f"/instances/on_gpu/{waits}")
    expect(why(console)).to_contain_text("Node train waits for a worker of the group gpu")
    console.page.get_by_role("row").get_by_role("button", name="publish", exact=True).click()
    expect(console.page.get_by_text("Comes after:")).to_be_visible()
    console.go(f"/instances/retried/{retried}")
    expect(why(console)).to_contain_text("Node load failed and is run again at ")
    assert console.complaints == []


def test_a_failure_says_since_when_it_fails_and_what_was_changed_meanwhile(console: Console, home: House) -> None:
    page = console.page
    with closing(home.client()) as client:
        client.save_job("nightly", node("load", statement="true"))
        good = client.run("nightly")
        client.ended("nightly", good)
        broken = {**client.good("GET", "jobs/nightly"), "nodes": [node("load", statement="exit 2")]}
        client.good("PUT", "jobs/nightly", broken)
        for _ in range(2):
            failed = client.run("nightly")
            client.ended("nightly", failed)
    console.go(f"/instances/nightly/{failed}")
    expect(page.get_by_text("2 failures in a row since the success of")).to_be_visible()
    bars = page.get_by_role("list", name="This run and those before it").get_by_role("link")
    expect(bars).to_have_count(3)
    expect(bars.nth(2)).to_have_attribute("aria-current", "page")
    page.get_by_role("link", name="the job has changed since: version 1 to 2").click()
    expect(page.get_by_role("tab", name="Versions")).to_have_attribute("aria-selected", "true")
    expect(page.get_by_text("From version 1 to version 2")).to_be_visible()
    page.go_back()
    bars.first.click()
    expect(page).to_have_url(re.compile(f"/instances/nightly/{good}"))
    console.state("success")
    assert console.complaints == []


def test_a_log_goes_on_where_it_was_once_the_server_is_back(console: Console, home: House) -> None:
    go = home.folder / "go"
    with closing(home.client()) as client:
        client.save_job(
            "outlives", node("count", statement=f"echo first; until [ -e {go} ]; do sleep 0.05; done; echo last")
        )
        lives = client.run("outlives")
    console.go(f"/instances/outlives/{lives}")
    log = console.page.get_by_role("log", name="Log of count")
    expect(log).to_have_text("first")
    port = urlsplit(home.url).port
    home.kill()
    expect(console.page.get_by_text("(Not connected)")).to_be_visible()
    go.touch()
    home.start("--port", str(port))
    expect(log).to_have_text("first last")
    console.state("success")
