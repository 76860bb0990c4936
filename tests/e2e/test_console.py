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
        expect(self.page.locator("[aria-busy=true], .mantine-Loader-root, .mantine-Skeleton-root")).to_have_count(0)

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


# ---------------------------------------------------------------- every page

AXE_RULES: dict[str, dict[str, Any]] = {
    "light": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]},
    "dark": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]},  # nothing else depends on the scheme
}


@pytest.fixture(scope="module")
def filled(home: House) -> dict[str, str]:
    """Something for every page to show; paths of the pages, by the names of their screenshots."""
    with closing(home.client()) as client:
        cron = {"expression": "0 0 2 * * ?", "expressionTimeZone": "UTC", "startTime": "2026-01-01T00:00:00+00"}
        later = {**cron, "dependJobs": {"jobs": ["show"], "dependPeriod": "SAME_PERIOD", "dependFailPolicy": "FAIL"}}
        nodes = [SHELL, {**SHELL, "name": "after", "preNodeName": ["hello"]}]
        params = [{"name": "day", "value": "2026-01-01", "type": "variable"}]
        client.save_job("show", *nodes, params=params, directory="/demo/daily", schedule={"type": "CRON", "cron": cron})
        client.good("PUT", "jobs/show", {**client.good("GET", "jobs/show"), "description": "a second version"})
        client.save_job("show_later", SHELL, directory="/demo", schedule={"type": "CRON", "cron": later})
        ended = client.run("show", day="2026-02-02")
        broken = {
            "name": "broken",
            "type": "Shell",
            "properties": [{"name": "statement", "value": "echo no >&2; exit 1"}],
        }
        client.save_job("show_broken", broken, directory="/demo")
        failed = client.run("show_broken")
        loop = {
            "name": "each",
            "type": "ForEach",
            "properties": [{"name": "jobName", "value": "show"}, {"name": "dataset", "value": "[[1],[2]]"}],
        }
        client.save_job("show_loop", loop, directory="/demo")
        looped = client.run("show_loop")
        for name, each in (("show", ended), ("show_broken", failed), ("show_loop", looped)):
            client.ended(name, each)
        client.good("POST", "scripts", {"name": "show_script", "type": "Shell", "content": "echo hello"})
        postgres = {"ip": "127.0.0.1", "port": "5432", "userName": "u", "password": "p", "sslEnable": "false"}
        client.good("POST", "connections", {"name": "show_dws", "type": "DWS", "config": postgres})
        client.good("POST", "resources", {"name": "show_jar", "type": "jar", "location": "obs://bucket/a.jar"})
        client.good("PUT", "calendars/show_days", {"default": "MON_TO_FRI", "changed": {"2026-12-25": False}})
        client.good("PUT", "task-groups/show_group", {"limit": 2})
        client.good(
            "PUT", f"/v2/{home.project}/factory/env", {"params": [{"name": "a", "value": "1", "type": "variable"}]}
        )
        client.good(
            "POST", "alert-topics", {"name": "show_ops", "kind": "webhook", "url": "https://hooks.example.org/a"}
        )
        client.good("POST", "alert-rules", {"rule_name": "show_rule", "remind_type": 1, "topic_name": "show_ops"})
    return {
        "overview": "/overview",
        "instances": "/instances",
        "instance": f"/instances/show/{ended}",
        "instance-failed": f"/instances/show_broken/{failed}",
        "instance-loop": f"/instances/show_loop/{looped}",
        "patch-data": "/patch-data",
        "simulation": "/simulation",
        "alerts": "/alerts",
        "alert-rules": "/alerts?tab=rules",
        "alert-topics": "/alerts?tab=topics",
        "jobs": "/jobs",
        "job": "/jobs/show",
        "job-new": "/jobs/~new",
        "scripts": "/scripts",
        "script": "/scripts/show_script",
        "connections": "/connections",
        "resources": "/resources",
        "environment": "/environment",
        "calendars": "/calendars",
        "playground": "/playground",
        "users": "/users",
        "audit": "/audit",
        "settings": "/settings",
        "health": "/health",
    }


@pytest.mark.timeout(120)
@pytest.mark.skipif(not AXE.exists(), reason="axe-core is not installed: make ui")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_is_accessible_and_complains_of_nothing(
    browser: Any, home: House, filled: dict[str, str], scheme: str
) -> None:
    console = Console(browser, home, scheme)
    page = console.page
    violations: list[str] = []
    rules, axe = AXE_RULES[scheme], AXE.read_text()

    def look(name: str) -> None:
        page.screenshot(path=SHOTS / f"{name}-{scheme}.png")
        # Evaluated, since the page's security policy forbids foreign scripts.
        if not page.evaluate("() => 'axe' in window"):
            page.evaluate(axe)
        found = page.evaluate("rules => axe.run(document, {runOnly: rules, resultTypes: ['violations']})", rules)
        for each in found["violations"]:
            if each["impact"] in ("serious", "critical"):
                places = "; ".join(node["html"][:160] for node in each["nodes"][:3])
                violations.append(f"{name}: {each['id']} ({each['help']}): {places}")

    page.goto(f"{console.base}/")
    expect(console.button("Log in")).to_be_visible()
    look("login")
    console.log_in()
    for name, path in filled.items():
        console.go(path)
        look(name)
    console.go("/jobs/show")
    for tab in ("Parameters", "Schedule", "JSON", "Instances", "Dependencies", "Versions"):
        console.tab(tab)
        console.settled()
        look(f"job-{tab.lower()}")
    console.tab("Canvas")
    console.card("hello").click()
    look("job-node")
    console.go(filled["instance"])
    page.get_by_role("row").get_by_role("button", name="hello", exact=True).click()
    for tab in ("Inputs and output", "Timeline", "History"):
        console.tab(tab)
        console.settled()
        look(f"instance-{tab.split()[0].lower()}")
    console.go("/patch-data")
    console.button("New backfill").first.click()
    expect(page.get_by_role("dialog")).to_be_visible()
    look("patch-data-new")
    console.context.close()
    assert not violations, "\n".join(violations)
    assert console.complaints == []


def test_the_first_page_is_small_and_painted_at_once(browser: Any, home: House) -> None:
    console = Console(browser, home)
    files: set[str] = set()
    console.page.on(
        "response", lambda reply: files.add(reply.url.rpartition("/")[2]) if "/assets/" in reply.url else None
    )
    console.log_in()
    console.settled()
    sizes = {name: len(gzip.compress((CONSOLE / "assets" / name).read_bytes())) for name in files}
    assert sum(sizes.values()) < FIRST_PAGE_BYTES, json.dumps(sizes, indent=1)
    console.page.reload()
    console.settled()
    painted = console.page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
    console.context.close()
    assert painted < FIRST_PAINT_MS


def test_what_an_expression_helps_with_and_what_keeps_a_job_from_being_saved(console: Console) -> None:
    page = console.page
    console.go("/jobs/~new")
    page.get_by_role("textbox", name="Name", exact=True).fill("unfinished")
    source = page.get_by_role("region", name="Nodes").get_by_role("button", name="Rest Client", exact=True)
    source.focus()
    page.keyboard.press("Enter")  # the palette by keyboard
    expect(console.card("RestAPI").or_(page.locator(".react-flow__node"))).to_have_count(1)
    console.button("Save and submit").click()
    expect(page.get_by_role("alert", name="Not saved")).to_contain_text("is missing")
    expect(page.locator(".react-flow__node")).to_contain_text("is missing")
    page.get_by_role("region", name="Node", exact=True).get_by_role("button", name="Expressions").first.click()
    page.get_by_role("button", name="The day of the plan time").click()
    form = page.get_by_role("region", name="Node", exact=True)
    expect(form.locator("input, textarea").filter(visible=True).nth(1)).not_to_have_value("")


def test_a_job_of_five_hundred_nodes_and_a_list_of_thousands_stay_smooth(home: House, console: Console) -> None:
    """Frames, while a large canvas is moved: what a person would feel as stuttering is one longer than a fifth of a
    second. The bound leaves room for machines that do other things, too."""
    nodes = [
        {
            "name": f"n{at}",
            "type": "Dummy",
            "preNodeName": [f"n{each}" for each in {(at - 1) // 2, at - 7} if 0 <= each < at],
        }
        for at in range(500)
    ]
    with closing(home.client()) as client:
        client.save_job("large", *nodes)
    page = console.page
    console.go("/jobs/large")
    expect(page.locator(".react-flow__node").first).to_be_visible()
    box = page.locator(".react-flow__pane").bounding_box()
    page.evaluate(
        "() => { window.frames_ = []; let last = performance.now();"
        " const look = (now) => { frames_.push(now - last); last = now; requestAnimationFrame(look); };"
        " requestAnimationFrame(look); }"
    )
    page.mouse.move(box["x"] + 200, box["y"] + 20)
    page.mouse.down()
    for step in range(30):
        page.mouse.move(box["x"] + 200 - 5 * step, box["y"] + 20 + 8 * step)
    page.mouse.up()
    page.mouse.wheel(0, -300)
    page.wait_for_function("frames_.length > 30")
    frames = sorted(page.evaluate("frames_"))
    assert frames[len(frames) * 9 // 10] < 200, frames[-10:]
    assert console.complaints == []
