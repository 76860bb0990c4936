"""The console's Run-and-monitor and Administer sides in a real browser: what somebody on call does with them.

What it needs, and where the screenshots go: `tests/e2e/console.py`.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from contextlib import closing
from typing import Any
from urllib.parse import urlsplit

import pytest
from tests.e2e.console import NEEDS, SMOOTH_MS, Console, MainThread, chromium, expect, fill, logged_in
from tests.e2e.house import House, house, node, until

pytestmark = NEEDS

FRAMES = (
    "() => { window.frames_ = []; let last = performance.now();"
    " const look = (now) => { frames_.push(now - last); last = now; requestAnimationFrame(look); };"
    " requestAnimationFrame(look); }"
)


FOCUSED = """() => {
  const at = document.activeElement;
  // What stands for it where it is drawn by something else: a choice's label, a node's card.
  const choice = at.matches('[type=radio], [type=checkbox]');
  const drawn = choice ? at.closest('label') ?? at.parentElement : at.querySelector('.node-card') ?? at;
  const box = drawn.getBoundingClientRect();
  const styles = [at, drawn].map((each) => getComputedStyle(each));
  const marked = styles.some((each) => each.outlineStyle !== 'none' || each.boxShadow !== 'none');
  return {
    tag: at.tagName,
    name: at.getAttribute('aria-label') || at.textContent.slice(0, 40),
    shown: box.width > 0 && box.height > 0,
    marked: marked || at.matches('input, textarea, select, [role=log]'),  // the border of a field changes its colour
  };
}"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house(tmp_path_factory.mktemp("monitor")) as made:
        yield made


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def pages(home: House) -> dict[str, str]:
    return {name: path for section in fill(home).values() for name, path in section.items()}


@pytest.fixture(scope="module")
def failed(home: House) -> list[int]:
    """Instances of `nightly`, whose second of three nodes failed."""
    with closing(home.client()) as client:
        steps = (
            node("extract", statement="echo extracted"),
            node("check", "Shell", "extract", statement="echo 'ERROR: no rows' >&2; exit 3"),
            node("load", "Shell", "check", statement="echo loaded"),
        )
        client.save_job("nightly", *steps)
        found = [client.run("nightly") for _ in range(12)]
        for each in found:
            client.ended("nightly", each)
    return found


@pytest.fixture
def console(browser: Any, home: House) -> Iterator[Console]:
    with logged_in(browser, home) as made:
        yield made


def rows(console: Console) -> Any:
    return console.page.locator("tbody tr")


# ---------------------------------------------------------------- the list of instances


@pytest.mark.long
def test_filters_live_in_the_address_and_a_named_view_brings_them_back(console: Console, failed: list[int]) -> None:
    page = console.page
    console.go("/instances")
    page.get_by_label("Job", exact=True).fill("night")
    page.get_by_role("combobox", name="Status").click()
    page.get_by_role("option", name="fail", exact=True).click()
    page.keyboard.press("Escape")
    expect(page).to_have_url(re.compile(r"job=night&status=fail"))
    expect(rows(console)).to_have_count(12)
    console.button("Views").click()
    page.get_by_role("menuitem", name="Save this view…").click()
    page.get_by_role("dialog").get_by_label("Name").fill("Night failures")
    page.keyboard.press("Enter")
    console.button("Clear filters").click()
    expect(page).to_have_url(re.compile(r"/instances$"))
    console.button("Views").click()
    page.get_by_role("menuitem", name="Night failures", exact=True).click()
    expect(page).to_have_url(re.compile(r"job=night&status=fail"))
    console.load("/instances?job=nowhere")  # somebody was sent the address
    expect(page.get_by_text("Nothing matches these filters")).to_be_visible()
    assert console.complaints == []


@pytest.mark.long
def test_many_instances_are_run_again_with_one_confirmation_that_says_for_how_many(
    console: Console, home: House, failed: list[int]
) -> None:
    page = console.page
    with closing(home.client()) as client:
        client.save_job("fine", node("only", statement="true"))
        client.ended("fine", client.run("fine"))
        console.go("/instances")
        page.get_by_label(f"Select nightly {failed[0]}").check()
        page.get_by_label(f"Select nightly {failed[1]}").check()
        page.get_by_role("checkbox", name=re.compile("^Select fine ")).check()
        expect(page.get_by_role("status").filter(has_text="3 selected")).to_be_visible()
        console.button("Run again from the failed nodes (2)").click()
        dialog = page.get_by_role("dialog")
        expect(dialog).to_contain_text("2 of the 3 selected instances")
        expect(dialog).to_contain_text("1 is left alone")
        expect(dialog).to_contain_text("nightly: 2")
        dialog.get_by_role("button", name="Run again from the failed nodes").click()
        expect(page.get_by_text("done for 2 instances")).to_be_visible()

        def attempts(each: int) -> int:
            return int({run["nodeName"]: run["attempt"] for run in client.show("nightly", each)["nodes"]}["check"])

        until(lambda: [attempts(each) for each in failed[:3]] == [2, 2, 1], "two of them have run again")
    assert console.complaints == []


def test_what_somebody_else_starts_appears_by_itself(console: Console, home: House) -> None:
    page = console.page
    console.go("/instances?job=pushed")
    expect(page.get_by_role("status").filter(has_text="Live")).to_be_visible()
    with closing(home.client()) as client:
        client.save_job("pushed", node("only", statement="true"))
        started = client.run("pushed")
    row = page.get_by_role("row").filter(has_text=str(started))
    expect(row).to_contain_text("success")
    page.get_by_role("link", name="Overview").click()
    expect(page.get_by_role("link", name=re.compile("^Succeeded"))).not_to_have_text(re.compile("…"))
    assert console.complaints == []


@pytest.mark.long
@pytest.mark.timeout(180)
def test_a_list_of_ten_thousand_instances_stays_smooth(console: Console, home: House) -> None:
    page = console.page
    with closing(home.client()) as client:
        client.save_job("one_of_many", node("only", "Dummy"))
        many = node("each", "ForEach", jobName="one_of_many", dataset=json.dumps([[row] for row in range(1000)]))
        client.save_job("many", {**many, "properties": [*many["properties"], {"name": "concurrent", "value": "50"}]})
        for each in [client.run("many") for _ in range(10)]:
            client.ended("many", each)
        total, _ = client.good("GET", "jobs/instances/detail?jobName=one_of_many&limit=1")["total"], None
    assert total == 10_000
    console.go("/instances?job=one_of_many&size=500")
    expect(page.get_by_text("10,000 instances")).to_be_visible()
    expect(rows(console)).to_have_count(500)
    page.evaluate(FRAMES)
    busy = MainThread(page)
    page.mouse.move(700, 500)
    for _ in range(20):
        page.mouse.wheel(0, 700)
    page.wait_for_function("() => frames_.length > 20")
    scrolling = busy.since() / 20
    for row in range(5):
        rows(console).nth(row).get_by_role("checkbox").check()
    choosing = busy.since() / 5
    frames = sorted(page.evaluate("frames_"))
    p50, p90 = frames[len(frames) // 2], frames[len(frames) * 9 // 10]
    print(f"500 of 10,000 rows: {scrolling:.0f} ms of the page's thread for a turn of the wheel,", end=" ")
    print(f"{choosing:.0f} ms for a choice; frames p50 {p50:.0f} ms, p90 {p90:.0f} ms")
    assert scrolling < SMOOTH_MS
    assert choosing < SMOOTH_MS
    page.get_by_label("Select all on this page").check()
    console.button("Select all 10,000").click()
    expect(page.get_by_role("status").filter(has_text="10000 selected")).to_be_visible()
    console.button("Next").click()
    expect(page).to_have_url(re.compile("page=1"))
    expect(page.get_by_text("501 to 1000 of 10,000")).to_be_visible()
    assert console.complaints == []


# ---------------------------------------------------------------- one instance


@pytest.mark.long
def test_a_confirmation_names_the_nodes_that_run_again_and_the_timeline_shows_each_attempt(
    console: Console, failed: list[int]
) -> None:
    page = console.page
    console.go(f"/instances/nightly/{failed[5]}")
    console.button("Run again from the failed nodes").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Run now or next: check, load")
    expect(dialog).to_contain_text("Keep their results: extract")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    console.button("Actions extract").click()
    page.get_by_role("menuitem", name="Run again from here").click()
    expect(dialog).to_contain_text("Run now or next: extract, check, load")
    dialog.get_by_role("button", name="Run again from here").click()
    expect(page.get_by_text("Done: Run again from here")).to_be_visible()
    console.state("fail")
    expect(page.get_by_role("row").filter(has_text="check")).to_contain_text("Attempt 2")
    console.see_log("check", "ERROR: no rows")
    page.get_by_label("Search in the log").fill("no rows")
    expect(page.get_by_text("1 of 1")).to_be_visible()
    console.tab("Timeline")
    expect(page.get_by_role("img", name=re.compile("^check, Attempt 2: fail"))).to_be_visible()
    page.get_by_role("combobox", name="Run").click()
    page.get_by_role("option", name=re.compile("^Run 1 ")).click()
    expect(page.get_by_role("img", name=re.compile("^check, Attempt 1: fail"))).to_be_visible()
    console.tab("History")
    expect(page.get_by_role("tabpanel").get_by_text("RestartRequested")).to_have_count(1)
    assert console.complaints == []


@pytest.mark.long
def test_a_loop_shows_a_cell_for_each_run_and_the_way_back(console: Console, pages: dict[str, str]) -> None:
    page = console.page
    console.go(pages["instance-loop"])
    cells = page.get_by_role("link", name=re.compile(r"^Row \d+: success"))
    expect(cells).to_have_count(20)
    cells.nth(6).click()
    expect(page.get_by_role("link", name=re.compile(r"Row 7$"))).to_be_visible()
    page.get_by_role("link", name=re.compile(r"Row 7$")).click()
    expect(page).to_have_url(re.compile("/instances/show_loop/"))
    assert console.complaints == []


# ---------------------------------------------------------------- administer


@pytest.mark.long
def test_a_workspace_is_made_and_somebody_gets_a_role_in_it(console: Console, home: House) -> None:
    page = console.page
    console.go("/users")
    console.button("New user").click()
    page.get_by_role("dialog").get_by_label("User name").fill("maria")
    page.keyboard.press("Enter")
    secret = page.get_by_role("dialog", name="Shown once")
    expect(secret.get_by_label("Password", exact=True)).not_to_have_value("")
    page.keyboard.press("Escape")
    console.go("/workspaces")
    console.button("New workspace").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("sales")
    dialog.get_by_label("Time zone").fill("Asia/Shang")
    page.get_by_role("option", name="Asia/Shanghai (UTC+08:00)").click()
    dialog.get_by_role("button", name="Save").click()
    row = page.get_by_role("row").filter(has_text="sales")
    expect(row).to_contain_text("Asia/Shanghai")
    row.get_by_role("button", name="Open").click()
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    console.go("/members")
    expect(page.get_by_role("heading", name="Members of sales")).to_be_visible()
    console.button("Add a member").click()
    page.get_by_role("dialog").get_by_label("User name").fill("maria")
    page.keyboard.press("Escape")  # the list of names
    page.get_by_role("dialog").get_by_role("button", name="Save").click()
    expect(page.get_by_role("row").filter(has_text="maria")).to_be_visible()
    console.button("Remove maria").click()
    expect(page.get_by_role("dialog")).to_contain_text("maria can't see or do anything in sales")
    page.get_by_role("dialog").get_by_role("button", name="Remove maria").click()
    expect(page.get_by_role("row").filter(has_text="maria")).to_have_count(0)
    assert console.complaints == []


def test_secrets_are_shown_once_and_a_foreign_session_is_ended(console: Console, home: House) -> None:
    page = console.page
    home.log_in()  # somebody, somewhere
    console.go("/account")
    others = page.get_by_role("button", name=re.compile("^End "))
    before = others.count()
    assert before >= 1
    others.first.click()
    page.get_by_role("dialog").get_by_role("button", name="End").click()
    expect(others).to_have_count(before - 1)
    with closing(home.client()) as client:
        client.save_job("hooked", node("only", statement="true"))
    console.go("/hooks")
    console.button("New webhook").first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("combobox", name="Job").fill("hook")
    page.get_by_role("option", name="hooked").click()
    dialog.get_by_role("button", name="Save").click()
    shown = page.get_by_role("dialog", name="Webhooks")
    expect(shown.get_by_label("Secret of the webhook", exact=True)).not_to_have_value("")
    shown.get_by_role("button", name="I have kept it").click()
    expect(page.get_by_role("row").filter(has_text="hooked")).to_be_visible()
    assert console.complaints == []


@pytest.mark.long
def test_the_audit_log_is_filtered_and_exported(console: Console, pages: dict[str, str]) -> None:
    page = console.page
    console.go("/audit?operation=createHook")
    expect(rows(console).filter(has_text="createHook").first).to_be_visible()
    expect(rows(console).filter(has_text="createJob")).to_have_count(0)
    with page.expect_download() as saving:
        console.button("Export as CSV").click()
    with saving.value.path().open(newline="") as file:
        found = list(csv.DictReader(file))
    assert {each["operation"] for each in found} == {"createHook"}
    console.go("/audit?user=nobody")
    expect(page.get_by_text("No records match")).to_be_visible()
    console.go("/settings?tab=server")
    expect(page.get_by_role("row").filter(has_text="ARKWRIGHT_DATA").first).to_contain_text("option")
    assert console.complaints == []


# ---------------------------------------------------------------- the feel


@pytest.mark.long
@pytest.mark.timeout(180)
def test_every_page_can_be_walked_by_keyboard_and_asks_no_other_site(console: Console, pages: dict[str, str]) -> None:
    """On each page: first the way past the menu, and whatever has the focus shows it. All that is asked for meanwhile
    comes from the server itself, and its security policy is kept."""
    page = console.page
    foreign: list[str] = []
    own = urlsplit(console.base).netloc
    page.on("request", lambda sent: None if urlsplit(sent.url).netloc in (own, "") else foreign.append(sent.url))
    page.evaluate("() => addEventListener('securitypolicyviolation', (e) => console.error(e.violatedDirective))")
    unseen: list[str] = []
    for name, path in pages.items():
        console.go(path)
        page.evaluate("() => document.activeElement?.blur()")
        if name == "overview":
            page.keyboard.press("Tab")
            assert page.evaluate(FOCUSED)["name"] == "Skip to the content"
        page.evaluate("() => document.querySelector('.skip-link').focus()")
        page.keyboard.press("Enter")
        for _ in range(5):
            page.keyboard.press("Tab")
            now = page.evaluate(FOCUSED)
            if now["tag"] == "BODY":
                break  # past the end
            if not (now["shown"] and now["marked"]):
                unseen.append(f"{name}: {now}")
    assert not unseen, "\n".join(unseen)
    assert foreign == []
    policy = page.request.get(f"{console.base}/").headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert console.complaints == []


@pytest.mark.long
@pytest.mark.parametrize(("language", "heading"), [("de", "Übersicht"), ("zh", "概览")])
def test_other_languages_are_whole(browser: Any, home: House, language: str, heading: str) -> None:
    console = Console(browser, home)
    page = console.page
    page.add_init_script(f"localStorage.setItem('arkwright.language', '{language}')")
    page.goto(f"{console.base}/")
    page.locator("input[name=username]").fill(console.keys["User Name"])
    page.locator("input[name=password]").fill(console.keys["Password"])
    page.locator("button[type=submit]").click()
    expect(page.get_by_role("heading", name=heading)).to_be_visible()
    assert page.evaluate("document.documentElement.lang") == language
    console.context.close()
    assert console.complaints == []
