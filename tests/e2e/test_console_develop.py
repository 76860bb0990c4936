"""The console's Develop side in a real browser: what a data engineer does while building jobs, by mouse and keyboard.

Needs what `console` says; without it the tests are skipped, and say so.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from tests.e2e.console import NEEDS, SHELL, SHOTS, Console, Look, chromium, expect, logged_in
from tests.e2e.house import House, house

pytestmark = [*NEEDS, pytest.mark.long]

CRON = {"expression": "0 30 * * * ?", "intervalType": "hours", "startTime": "2026-01-01T00:00:00+00"}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house(tmp_path_factory.mktemp("develop")) as made:
        yield made


@pytest.fixture(scope="module")
def console(home: House) -> Iterator[Console]:
    SHOTS.mkdir(parents=True, exist_ok=True)
    with chromium() as browser, logged_in(browser, home) as made:
        made.page.on("dialog", lambda dialog: dialog.accept())
        yield made


@pytest.fixture
def look(console: Console) -> Iterator[Look]:
    made = Look(console)
    yield made
    assert made.found == []


@pytest.fixture(autouse=True)
def nothing_to_complain_of(console: Console) -> Iterator[None]:
    console.complaints.clear()
    yield
    # The browser tells of each refusal, also of those that are wanted.
    assert [each for each in console.complaints if "status of 4" not in each] == []


def saved(home: House, name: str, **changes: Any) -> None:
    """As somebody else would save it: over the API."""
    with closing(home.client()) as client:
        client.good("PUT", f"jobs/{name}", {**client.good("GET", f"jobs/{name}"), **changes})


def stored(home: House, name: str) -> dict[str, Any]:
    with closing(home.client()) as client:
        found: dict[str, Any] = client.good("GET", f"jobs/{name}")
        return found


def test_a_job_is_built_with_the_keyboard_alone(home: House, console: Console, look: Look) -> None:
    page, press = console.page, console.page.keyboard.press
    console.go("/jobs/~new")
    page.get_by_role("textbox", name="Name", exact=True).fill("keys")
    page.get_by_role("region", name="Canvas").locator(".react-flow__pane").click(position={"x": 200, "y": 200})
    page.get_by_role("button", name="Add a node").focus()
    for name in ("shell", "dummy"):
        press("n") if name == "dummy" else press("Enter")
        page.get_by_role("combobox", name="Add a node").fill(name)
        look.at("develop-add-node") if name == "dummy" else None
        press("Enter")
        expect(page.locator(f'.react-flow__node[data-id="{name.capitalize()}"]')).to_be_focused()
    expect(page.locator('.react-flow__edge[data-id="Shell→Dummy"]')).to_have_count(1)
    press("Control+a")
    press("Control+d")
    expect(page.locator(".react-flow__node")).to_have_count(4)
    press("Control+z")
    expect(page.locator(".react-flow__node")).to_have_count(2)
    # -- along the line, into the form, back out, and moved
    page.locator('.react-flow__node[data-id="Dummy"]').focus()
    press("Enter")
    press("Alt+ArrowLeft")
    expect(page.locator('.react-flow__node[data-id="Shell"]')).to_be_focused()
    press("e")
    form = page.get_by_role("region", name="Node", exact=True)
    form.get_by_label("statement", exact=True).fill("echo typed")
    press("Escape")
    expect(page.locator('.react-flow__node[data-id="Shell"]')).to_be_focused()
    press("ArrowDown")
    # -- a line from the dialog, one that would close a circle is not offered
    press("Alt+ArrowRight")
    expect(page.locator('.react-flow__node[data-id="Dummy"]')).to_be_focused()
    press("c")
    expect(page.get_by_role("dialog").get_by_role("option")).to_have_count(0)
    press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.locator('.react-flow__node[data-id="Dummy"]').focus()
    press("?")
    expect(page.get_by_role("dialog", name="Keyboard").get_by_text("Add a node")).to_be_visible()
    look.at("develop-keyboard")
    press("Escape")
    press("Control+Enter")
    expect(page.get_by_role("heading", name="keys")).to_be_visible()
    nodes = {each["name"]: each for each in stored(home, "keys")["nodes"]}
    assert nodes["Dummy"]["preNodeName"] == ["Shell"]
    assert nodes["Shell"]["properties"] == [{"name": "statement", "value": "echo typed"}]


def test_edits_outlive_what_others_save_and_a_page_that_is_left(home: House, console: Console, look: Look) -> None:
    page = console.page
    with closing(home.client()) as client:
        client.save_job("shared", SHELL, {**SHELL, "name": "second", "preNodeName": ["hello"]})
    console.go("/jobs/shared")
    console.card("hello").click()
    statement = page.get_by_label("statement", exact=True)
    statement.fill("echo mine")
    saved(home, "shared", description="theirs")
    console.button("Save as draft").click()
    bar = page.get_by_role("alert").filter(has_text="has saved version 2")
    expect(bar).to_be_visible()
    expect(statement).to_have_value("echo mine")
    bar.get_by_role("button", name="Compare").click()
    expect(page.get_by_role("dialog").get_by_text('"description": "theirs"')).to_be_visible()
    look.at("develop-conflict")
    page.get_by_role("dialog").get_by_text("On the graph").click()
    expect(page.get_by_role("dialog").get_by_text("changed: statement")).to_be_visible()
    page.keyboard.press("Escape")
    bar.get_by_role("button", name="Keep mine").click()
    console.button("Save as draft").click()
    expect(page.get_by_text("Version 3", exact=True)).to_be_visible()
    assert stored(home, "shared").get("description", "") == ""
    # -- left by a link: asked; left by the browser's own step back: the edits are there again
    statement.fill("echo more")
    page.get_by_role("link", name="Scripts", exact=True).click()
    page.get_by_role("dialog", name="Leave without saving?").get_by_role("button", name="Cancel").click()
    page.evaluate("history.pushState(null, '', '/console/scripts')")
    expect(page.get_by_role("heading", name="Scripts", level=1)).to_be_visible()
    console.go("/jobs/shared")
    expect(page.get_by_text("Your unsaved changes are here again")).to_be_visible()
    console.button("Discard them").click()
    # -- what the server refuses stands at the node and at its field
    console.tab("JSON")
    editor = page.get_by_role("textbox", name="JSON")
    text = json.dumps({**stored(home, "shared"), "nodes": [{**SHELL, "retryTimes": 9}]})
    editor.fill(text)
    expect(page.get_by_text("Not saved yet")).to_be_visible()
    console.button("Save and submit").click()
    form = page.get_by_role("region", name="Node", exact=True)
    expect(form.get_by_text("nodes[0].retryTimes must be").first).to_be_visible()
    expect(page.locator(".edit-card[data-problem]")).to_have_count(1)
    console.button("Undo").click()
    expect(page.locator(".react-flow__node")).to_have_count(2)


def test_versions_are_compared_and_one_is_restored(home: House, console: Console, look: Look) -> None:
    page = console.page
    with closing(home.client()) as client:
        client.save_job("history", SHELL)
    saved(home, "history", nodes=[SHELL, {**SHELL, "name": "late"}])
    console.go("/jobs/history")
    console.card("late").click()
    page.get_by_label("statement", exact=True).fill("echo later")
    page.get_by_role("button", name="More ways to submit").click()
    page.get_by_role("menuitem", name="Submit with a comment").click()
    page.get_by_label("What this version is about").fill("because of the report")
    page.get_by_role("dialog").get_by_role("button", name="Save and submit").click()
    console.tab("Versions")
    rows = page.get_by_role("table", name="Versions").get_by_role("row")
    expect(rows.nth(1)).to_contain_text("because of the report")
    expect(rows.nth(1)).to_contain_text("this one runs")
    page.get_by_role("radio", name="Compare 1", exact=True).check()
    page.get_by_text("On the graph").click()
    expect(page.get_by_text("new: 1")).to_be_visible()
    look.at("develop-versions-graph")
    console.button("Restore version 1").click()
    page.get_by_role("dialog").get_by_role("button", name="Restore version 1").click()
    expect(rows.nth(1)).to_contain_text("Version 1 again")
    assert [each["name"] for each in stored(home, "history")["nodes"]] == ["hello"]


def test_a_schedule_says_when_it_fires_and_what_it_waits_for(home: House, console: Console, look: Look) -> None:
    page = console.page
    with closing(home.client()) as client:
        client.save_job("upstream", SHELL, schedule={"type": "CRON", "cron": CRON})
        client.save_job("planned", SHELL)
    console.go("/jobs/planned")
    console.tab("Schedule")
    page.get_by_text("By the clock").click()
    page.get_by_text("Weekly", exact=True).click()
    page.get_by_role("checkbox", name="Friday").click()
    page.get_by_label("At", exact=True).fill("05:30")
    expect(page.get_by_text("Every Monday and Friday at 05:30")).to_be_visible()
    expect(page.get_by_role("list", name="The next ten times").get_by_role("listitem")).to_have_count(10)
    marked = page.get_by_role("group", name="The next ten times").locator(".month-day[aria-label*=':']")
    expect(marked.first).to_be_visible()
    page.get_by_text("Daily", exact=True).click()
    page.get_by_role("button", name="Jobs that it waits for").click()
    console.button("Wait for another job").click()
    page.get_by_role("combobox", name="Job to wait for").fill("upstr")
    page.get_by_role("option", name="upstream").click()
    expect(page.get_by_text("all of its 24 runs")).to_be_visible()
    expect(page.get_by_text("The schedule of upstream is not started")).to_be_visible()
    look.at("develop-schedule")
    console.submit()
    operate(console, "Start schedule")
    dialog = page.get_by_role("dialog", name="Start the schedule of planned")
    expect(dialog.get_by_text("These have to be started first")).to_be_visible()
    look.at("develop-start")
    dialog.get_by_role("button", name="Cancel").click()
    with closing(home.client()) as client:
        assert client.call("POST", "jobs/upstream/start").status == 204
    page.get_by_role("button", name="What it would do").click()
    console.button("Simulate").click()
    expect(page.get_by_text("7 runs would be planned.")).to_be_visible()
    operate(console, "Start schedule")
    dialog.get_by_role("button", name="Start schedule").click()
    expect(page.get_by_test_id("job-state")).to_have_text("SCHEDULING")
    operate(console, "Stop schedule")
    page.get_by_role("dialog").get_by_role("button", name="Stop schedule").click()
    expect(page.get_by_test_id("job-state")).to_have_text("STOPPED")
    # -- events
    page.get_by_text("By an event").click()
    expect(page.get_by_label("Topic")).to_be_visible()
    console.button("New webhook").click()
    page.get_by_role("dialog").get_by_label("Name").fill("shop")
    look.at("develop-webhook")
    page.get_by_role("dialog").get_by_role("button", name="Save").click()
    expect(page.get_by_text("Keep the secret now: it is shown only once.")).to_be_visible()
    leave(console)


def operate(console: Console, what: str) -> None:
    console.page.get_by_role("button", name="Actions", exact=True).click()
    console.page.get_by_role("menuitem", name=what).click()


def leave(console: Console) -> None:
    """Unsaved edits are thrown away."""
    console.page.get_by_role("link", name="Overview", exact=True).click()
    console.page.get_by_role("dialog").get_by_role("button", name="Leave without saving?").click()
    expect(console.page.get_by_role("heading", name="Overview")).to_be_visible()


def test_jobs_are_moved_into_directories_by_mouse_and_several_at_once(
    home: House, console: Console, look: Look
) -> None:
    page = console.page
    with closing(home.client()) as client:
        for name in ("m_one", "m_two", "m_three"):
            client.save_job(name, SHELL)
        client.save_job("m_there", SHELL, directory="/sales/daily")
    console.go("/jobs?name=m_")
    tree = page.get_by_role("tree")
    page.get_by_role("row").filter(has_text="m_one").drag_to(tree.get_by_role("treeitem", name="daily"))
    page.get_by_role("dialog").get_by_role("button", name="Move", exact=True).click()
    expect(page.get_by_role("row").filter(has_text="m_one")).to_contain_text("/sales/daily")
    assert stored(home, "m_one")["directory"] == "/sales/daily"
    for name in ("m_two", "m_three"):
        page.get_by_label(f"Choose {name}").check()
    look.at("develop-jobs-chosen")
    page.get_by_role("toolbar").get_by_role("button", name="Move").click()
    page.get_by_role("dialog").get_by_role("combobox", name="Directory").fill("/new/place")
    page.get_by_role("dialog").get_by_role("button", name="Move", exact=True).click()
    place = tree.get_by_role("treeitem", name="place")
    expect(place).to_contain_text("2")
    place.click()
    expect(page.get_by_role("row")).to_have_count(3)
    page.get_by_label("Find a directory").fill("sales")
    expect(tree.get_by_role("treeitem")).to_have_count(3)
    page.get_by_label("Find a directory").fill("")
    page.get_by_role("button", name="Actions of m_two").click()
    page.get_by_role("menuitem", name="Rename").click()
    page.get_by_label("New name").fill("m_renamed")
    page.get_by_role("dialog").get_by_role("button", name="Rename").click()
    expect(page.get_by_role("link", name="m_renamed")).to_be_visible()


def test_a_script_is_run_with_values_stopped_and_looked_up_again(home: House, console: Console, look: Look) -> None:
    page = console.page
    console.go("/scripts")
    page.get_by_role("button", name="New script").first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("not a name")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog.get_by_text("name must be 1 to 128")).to_be_visible()
    dialog.get_by_label("Name").fill("rows")
    dialog.get_by_role("combobox", name="Type").click()
    page.get_by_role("option", name="DLISQL").click()
    dialog.get_by_role("button", name="Save").click()
    page.get_by_role("textbox", name="Text").fill("SELECT '${city}' AS city, 2 AS n")
    page.keyboard.press("Escape")
    console.button("Save and run").click()
    page.get_by_role("dialog").get_by_label("city").fill("Oslo")
    page.get_by_role("dialog").get_by_role("button", name="Run").click()
    expect(page.get_by_test_id("script-state")).to_have_text("success")
    expect(page.get_by_role("cell", name="Oslo")).to_be_visible()
    with page.expect_download() as loaded:
        page.get_by_role("link", name="Download CSV").click()
    assert loaded.value.path().read_bytes() == b"city,n\r\nOslo,2"
    console.tab("Earlier runs")
    expect(page.get_by_text("city=Oslo")).to_be_visible()
    look.at("develop-script")
    with closing(home.client()) as client:
        client.good("POST", "scripts", {"name": "slow", "type": "Shell", "content": "sleep 60"})
    console.go("/scripts/slow")
    console.button("Run").click()
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(page.get_by_text("The script was stopped.")).to_be_visible()


def test_connections_resources_and_variables_are_kept_by_forms(home: House, console: Console, look: Look) -> None:
    page = console.page
    console.go("/connections")
    page.get_by_role("button", name="New connection").first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name", exact=True).fill("warehouse")
    for name, value in (("ip", "127.0.0.1"), ("port", "99999"), ("userName", "u"), ("password", "secret-1")):
        dialog.get_by_role("textbox", name=name, exact=True).fill(value)
    dialog.get_by_role("button", name="Save").click()
    expect(dialog.get_by_text("config.port must be a number from 1 to 65535")).to_be_visible()
    dialog.get_by_role("textbox", name="port", exact=True).fill("1")
    dialog.get_by_role("button", name="Test").click()
    expect(dialog.get_by_text("The connection can't be made")).to_be_visible()
    look.at("develop-connection")
    dialog.get_by_role("button", name="Save").click()
    page.get_by_role("button", name="Edit warehouse").click()
    expect(dialog.get_by_role("textbox", name="password", exact=True)).to_have_value("******")
    dialog.get_by_role("button", name="Cancel").click()
    # -- a file becomes a resource
    console.go("/resources")
    page.get_by_role("button", name="New resource").click()
    files = [{"name": "my tool.py", "mimeType": "text/x-python", "buffer": b"print(1)"}]
    dialog.locator("input[type=file]").set_input_files(files)
    expect(dialog.get_by_role("textbox", name="Name")).to_have_value("my_tool")
    look.at("develop-resource")
    dialog.get_by_role("button", name="Save").click()
    expect(page.get_by_role("row").filter(has_text="/my_tool.py")).to_contain_text("pyFile")
    # -- variables, with what they are worth
    console.go("/environment")
    console.button("Add").click()
    page.get_by_label("Name", exact=True).fill("bad name")
    page.get_by_label("Value bad name").fill("#{1 + 1}")
    expect(page.get_by_text("Now: 2")).to_be_visible()
    console.button("Save").click()
    expect(page.get_by_text("params[0].name").first).to_be_visible()
    page.get_by_label("Name", exact=True).fill("two")
    console.button("Save").click()
    expect(page.get_by_text("Not saved yet")).to_have_count(0)


def test_fields_complete_expressions_and_say_what_they_are_worth(console: Console, look: Look) -> None:
    page = console.page
    console.go("/jobs/~new")
    console.add_node("Shell", 200, 120, "say", "")
    field = page.get_by_label("arguments", exact=True)
    field.fill("")
    field.press_sequentially("#{DateUtil.for")
    page.get_by_role("option", name="DateUtil.format(Date, String)").click()
    field.press_sequentially('Job.planTime,"yyyy"')
    field.press("End")
    field.press_sequentially("}")
    expect(page.get_by_text("Now: 20")).to_be_visible()
    field.press("Escape")
    look.at("develop-expression")
    page.get_by_role("button", name="statement in a larger editor").click()
    expect(page.get_by_role("dialog", name="say: statement")).to_be_visible()
    page.keyboard.press("Escape")
    leave(console)


def test_a_zip_of_the_cloud_is_dropped_assessed_and_imported_in_part(home: House, console: Console, look: Look) -> None:
    page = console.page
    good = {"name": "i_good", "processType": "BATCH", "schedule": {"type": "EXECUTE_ONCE"}, "nodes": [SHELL]}
    bad = {**good, "name": "i_bad", "nodes": [{"name": "x", "type": "NoSuchType"}]}
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for each in (good, bad):
            archive.writestr(f"jobs/{each['name']}.job", json.dumps(each))
    console.go("/jobs")
    page.get_by_role("link", name="Import", exact=True).click()
    page.locator("input[type=file]").set_input_files(
        [{"name": "jobs.zip", "mimeType": "application/zip", "buffer": file.getvalue()}]
    )
    expect(page.get_by_text("not supported: 1")).to_be_visible()
    page.get_by_role("button", name="Why, for i_bad").click()
    look.at("develop-import")
    page.get_by_label("Choose i_bad").uncheck()
    console.button("Import 1").click()
    expect(page.get_by_test_id("import-state")).to_have_text("success")
    page.get_by_role("link", name="To the jobs").click()
    expect(page.get_by_role("link", name="i_good")).to_be_visible()
    expect(page.get_by_role("link", name="i_bad")).to_have_count(0)
