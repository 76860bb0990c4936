"""The console in a real browser against a real server: what a data engineer does with it, by mouse and keyboard.

Needs Chromium (Debian: `apt-get install chromium`), the test dependency `playwright`, and a built console (`make ui`);
without one of them the tests are skipped, and say so. Screenshots of every page, light and dark, are written to
`build/screenshots`.
"""

from __future__ import annotations

import gzip
import json
import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.house import House, house

sync_api = pytest.importorskip("playwright.sync_api", reason="the console's tests need the test dependency playwright")
expect = sync_api.expect

ROOT = Path(__file__).parents[2]
CONSOLE = ROOT / "src" / "arkwright" / "console"
AXE = ROOT / "ui" / "node_modules" / "axe-core" / "axe.min.js"
SHOTS = ROOT / "build" / "screenshots"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FIRST_PAGE_BYTES = 600_000
FIRST_PAINT_MS = 1000

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="the console's tests need Chromium (Debian: apt-get install chromium)"),
    pytest.mark.skipif(not (CONSOLE / "index.html").exists(), reason="the console is not built: make ui"),
]

SHELL = {"name": "hello", "type": "Shell", "properties": [{"name": "statement", "value": "echo hello"}]}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house(tmp_path_factory.mktemp("console")) as made:
        yield made


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield found
        found.close()


class Console:
    """A browser's window that is logged in; keeps what the page complained of."""

    def __init__(self, browser: Any, home: House, scheme: str = "light") -> None:
        self.base = f"{home.url}/console"
        self.keys = home.credentials
        self.context = browser.new_context(
            viewport={"width": 1400, "height": 900}, color_scheme=scheme, locale="en-GB", reduced_motion="reduce"
        )
        self.context.set_default_timeout(10_000)
        self.page = self.context.new_page()
        self.complaints: list[str] = []
        self.page.on("console", lambda said: self.complaints.append(said.text) if said.type == "error" else None)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def log_in(self) -> None:
        self.page.goto(f"{self.base}/")
        self.page.get_by_label("User name").fill(self.keys["User Name"])
        self.page.locator("input[name=password]").fill(self.keys["Password"])
        self.page.get_by_role("button", name="Log in").click()
        expect(self.page.get_by_role("heading", name="Overview")).to_be_visible()

    def go(self, path: str) -> None:
        self.page.goto(f"{self.base}{path}")
        self.settled()

    def settled(self) -> None:
        """All that the page asked for has come, and is shown."""
        expect(self.page.get_by_role("heading", level=1)).to_be_visible()
        expect(self.page.locator("[aria-busy=true], .mantine-Loader-root")).to_have_count(0)

    # -- what the tests do more than once
    def button(self, name: str) -> Any:
        return self.page.get_by_role("button", name=name, exact=True)

    def tab(self, name: str) -> None:
        self.page.get_by_role("tab", name=name, exact=True).click()

    def add_node(self, kind: str, x: float, y: float, name: str, statement: str, arguments: str = "") -> None:
        pane = self.page.locator(".react-flow__pane")
        source = self.page.get_by_role("region", name="Nodes").get_by_role("button", name=kind, exact=True)
        source.drag_to(pane, target_position={"x": x, "y": y})
        form = self.page.get_by_role("region", name="Node", exact=True)
        form.get_by_label("Name", exact=True).fill(name)
        form.get_by_label("Name", exact=True).press("Enter")
        expect(self.card(name)).to_be_visible()
        form.get_by_label("statement", exact=True).fill(statement)
        if arguments:
            form.get_by_label("arguments", exact=True).fill(arguments)

    def card(self, name: str) -> Any:
        return self.page.locator(f'.react-flow__node[data-id="{name}"]')

    def draw_line(self, before: str, after: str) -> None:
        start = self.card(before).locator(".react-flow__handle.source").bounding_box()
        end = self.card(after).locator(".react-flow__handle.target").bounding_box()
        mouse = self.page.mouse
        mouse.move(start["x"] + start["width"] / 2, start["y"] + start["height"] / 2)
        mouse.down()
        mouse.move(end["x"] - 20, end["y"], steps=4)
        mouse.move(end["x"] + end["width"] / 2, end["y"] + end["height"] / 2, steps=4)
        mouse.up()
        expect(self.page.locator(f'.react-flow__edge[data-id="{before}→{after}"]')).to_have_count(1)

    def submit(self) -> None:
        self.button("Save and submit").click()
        expect(self.page.get_by_text("Not saved yet")).to_have_count(0)

    def state(self, wanted: str) -> None:
        expect(self.page.get_by_test_id("instance-state")).to_have_text(wanted)

    def see_log(self, node: str, text: str) -> None:
        self.page.get_by_role("row").get_by_role("button", name=node, exact=True).click()
        expect(self.page.get_by_role("log", name=f"Log of {node}")).to_contain_text(text)


@pytest.fixture
def console(browser: Any, home: House) -> Iterator[Console]:
    made = Console(browser, home)
    try:
        made.log_in()
        yield made
    finally:
        made.page.screenshot(path=SHOTS / "end.png")  # where a test that failed stood
        made.context.close()


@pytest.mark.timeout(120)
def test_a_job_is_built_by_mouse_run_broken_repaired_scheduled_and_run_for_days_that_passed(console: Console) -> None:
    page = console.page
    # -- build
    page.get_by_role("link", name="Jobs").click()
    page.get_by_role("button", name="New job").first.click()
    page.get_by_role("textbox", name="Name").fill("nightly")
    console.add_node("Shell", 90, 120, "extract", 'echo "rows of $1"', "${day}")
    console.add_node("Shell", 350, 120, "check", "echo checked")
    console.add_node("Shell", 350, 300, "report", "echo reported")
    console.draw_line("extract", "check")
    console.draw_line("check", "report")
    console.tab("Parameters")
    console.button("Add").click()
    page.get_by_role("textbox", name="Name", exact=True).fill("day")
    page.get_by_role("textbox", name="Value day").fill("2026-01-01")
    console.submit()
    expect(page.get_by_role("heading", name="nightly")).to_be_visible()
    # -- run with a parameter, watch it end, read a log
    console.button("Run").click()
    page.get_by_role("dialog").get_by_label("day").fill("2026-02-02")
    page.get_by_role("dialog").get_by_role("button", name="Run", exact=True).click()
    console.state("success")
    console.see_log("extract", "rows of 2026-02-02")
    # -- break it
    page.get_by_role("link", name="nightly").click()
    change_check(console, "echo broken >&2; exit 3")
    console.button("Run").click()
    page.get_by_role("dialog").get_by_role("button", name="Run", exact=True).click()
    console.state("fail")
    console.see_log("check", "broken")
    failed = page.url
    # -- repair it, and go on where it failed
    page.get_by_role("link", name="nightly").click()
    change_check(console, "echo repaired")
    page.goto(failed)
    console.state("fail")
    console.button("Run again from the failed nodes").click()
    page.get_by_role("dialog").get_by_label("With the newest submitted version of the job").check()
    page.get_by_role("dialog").get_by_role("button", name="Run again from the failed nodes").click()
    console.state("success")
    console.see_log("check", "repaired")
    console.tab("History")
    expect(page.get_by_role("tabpanel").get_by_text("RestartRequested")).to_be_visible()
    # -- schedule it, and stop that
    page.get_by_role("link", name="nightly").click()
    console.tab("Schedule")
    page.get_by_role("combobox", name="How it is started").click()
    page.get_by_role("option", name="By the clock").click()
    page.get_by_label("From").fill("2020-01-01T00:00:00+00")
    expect(page.get_by_role("alert").get_by_role("listitem")).to_have_count(10)
    console.submit()
    operate(console, "Start schedule")
    expect(page.get_by_test_id("job-state")).to_have_text("SCHEDULING")
    operate(console, "Stop schedule")
    expect(page.get_by_test_id("job-state")).to_have_text("STOPPED")
    # -- three days that have passed
    page.get_by_role("link", name="Backfill").click()
    console.button("New backfill").first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("combobox", name="Job").fill("night")
    page.get_by_role("option", name="nightly").click()
    expect(dialog.get_by_text("3 days")).to_be_visible()
    dialog.get_by_role("button", name="Start backfill").click()
    row = page.get_by_role("row").filter(has_text="P_nightly")
    expect(row).to_be_visible()
    expect(row).to_contain_text("SUCCESS", timeout=20_000)
    expect(page.locator(".month-day[aria-label*=success]")).to_have_count(3)
    assert console.complaints == []


def change_check(console: Console, statement: str) -> None:
    console.settled()
    console.card("check").click()
    console.page.get_by_label("statement", exact=True).fill(statement)
    console.submit()


def operate(console: Console, what: str) -> None:
    console.page.get_by_role("button", name="Actions", exact=True).click()
    console.page.get_by_role("menuitem", name=what).click()
