"""What the console's tests share: a browser's window that is logged in, something for every page to show, and axe.

Chromium comes from the system (Debian: `apt-get install chromium`), the console from `make ui`; where one of them is
missing, the tests that ask for the fixtures in `conftest` are skipped, and say so. Screenshots go to
`build/screenshots`.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.house import House

sync_api = pytest.importorskip("playwright.sync_api", reason="the console's tests need the test dependency playwright")
expect = sync_api.expect
expect.set_options(timeout=30_000)  # on a machine that does other things, too

ROOT = Path(__file__).parents[2]
CONSOLE = ROOT / "src" / "arkwright" / "console"
AXE = ROOT / "ui" / "node_modules" / "axe-core" / "axe.min.js"
SHOTS = ROOT / "build" / "screenshots"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

NEEDS = [
    pytest.mark.skipif(CHROMIUM is None, reason="the console's tests need Chromium (Debian: apt-get install chromium)"),
    pytest.mark.skipif(not (CONSOLE / "index.html").exists(), reason="the console is not built: make ui"),
]

SHELL = {"name": "hello", "type": "Shell", "properties": [{"name": "statement", "value": "echo hello"}]}


@contextmanager
def chromium() -> Iterator[Any]:
    """A browser. Not for a whole session: while it is there, nobody else can run an event loop in this thread."""
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
        self.context.set_default_timeout(30_000)
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
        """To a page of the console, as a click on a link would: nothing is loaded anew."""
        self.page.evaluate("path => history.pushState(null, '', path)", f"/console{path}")
        self.settled()

    def load(self, path: str) -> None:
        """As if the address had been typed."""
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


SMOOTH_MS = 100
"""What a person feels as at once."""


class MainThread:
    """Processor time of the page's thread: what the page costs, whatever else the machine does."""

    def __init__(self, page: Any) -> None:
        self._session = page.context.new_cdp_session(page)
        self._session.send("Performance.enable", {"timeDomain": "threadTicks"})
        self._last = 0.0
        self.since()

    def since(self) -> float:
        """Milliseconds since it was last asked."""
        found = {each["name"]: each["value"] for each in self._session.send("Performance.getMetrics")["metrics"]}
        before, self._last = self._last, 1000 * found["TaskDuration"]
        return self._last - before


def fill(home: House) -> dict[str, dict[str, str]]:
    """Something for every page to show. Per section of the menu the paths of its pages, by names of screenshots."""
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
            "properties": [
                {"name": "jobName", "value": "show"},
                {"name": "dataset", "value": str([[row] for row in range(20)])},
            ],
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
        client.good("POST", "hooks", {"jobName": "show", "name": "show_hook"})
        client.good("POST", "users", {"name": "show_user"})
    watch = {
        "overview": "/overview",
        "instances": "/instances",
        "instance": f"/instances/show/{ended}",
        "instance-failed": f"/instances/show_broken/{failed}",
        "instance-loop": f"/instances/show_loop/{looped}?node=each",
        "instance-timeline": f"/instances/show_broken/{failed}?tab=gantt",
        "instance-history": f"/instances/show_broken/{failed}?tab=history",
        "instance-parameters": f"/instances/show/{ended}?tab=parameters",
        "instance-related": f"/instances/show/{ended}?tab=related",
        "patch-data": "/patch-data",
        "simulation": "/simulation",
        "alerts": "/alerts",
        "alert-rules": "/alerts?tab=rules",
        "alert-topics": "/alerts?tab=topics",
        "graph": "/graph",
        "graph-job": "/graph?job=show",
    }
    develop = {
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
        "import": "/import",
    }
    administer = {
        "workspaces": "/workspaces",
        "members": "/members",
        "account": "/account",
        "hooks": "/hooks",
        "users": "/users",
        "audit": "/audit",
        "settings": "/settings",
        "settings-server": "/settings?tab=server",
        "health": "/health",
    }
    return {"watch": watch, "develop": develop, "administer": administer}


@contextmanager
def logged_in(browser: Any, home: House, scheme: str = "light") -> Iterator[Console]:
    made = Console(browser, home, scheme)
    try:
        made.log_in()
        yield made
    finally:
        made.page.screenshot(path=SHOTS / "end.png")  # where a test that failed stood
        made.context.close()


AXE_RULES: dict[str, dict[str, Any]] = {
    "light": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]},
    "dark": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]},  # nothing else depends on the scheme
}


class Look:
    """Looks at pages in light and dark: a screenshot of each, and what axe finds. The page itself is loaded once."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.found: list[str] = []
        self.seen = False
        self.source = AXE.read_text()

    def at(self, name: str) -> None:
        page = self.console.page
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            page.screenshot(path=SHOTS / f"{name}-{scheme}.png", animations="disabled")
            # Evaluated, since the page's security policy forbids foreign scripts.
            if not page.evaluate("() => 'axe' in window"):
                page.evaluate(self.source)
            options = {"runOnly": AXE_RULES[scheme], "resultTypes": ["violations"]}
            # The menu has the same colours on each page.
            again = scheme == "dark" and self.seen
            found = page.evaluate(
                "([again, options]) => axe.run(again ? {exclude: [['nav'], ['header']]} : document, options)",
                [again, options],
            )
            self.seen = self.seen or (scheme == "dark" and name != "login")
            for each in found["violations"]:
                if each["impact"] in ("serious", "critical"):
                    places = "; ".join(node["html"][:160] for node in each["nodes"][:3])
                    self.found.append(f"{name}, {scheme}: {each['id']} ({each['help']}): {places}")
        page.emulate_media(color_scheme="light")
