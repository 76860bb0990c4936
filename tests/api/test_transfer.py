"""Export and import over V1: round trips, policies, broken files, and what becomes of a task."""

from __future__ import annotations

import asyncio
import io
import json
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.api.house import JOB, PROJECT, SCRIPT, House
from tests.api.server import RunningServer, running_server
from tests.api.test_data_connections import DWS, HOST, password
from tests.servers.database import place_for

from arkwright.api.v1.connection_body import MASK
from arkwright.api.v1.savers import CREATED, OVERWRITTEN, SKIPPED
from arkwright.store.base import DefinitionWrite, Kind, Place
from arkwright.store.open import open_store
from arkwright.transfer.tasks import SILENT_MS, Progress, SystemTasks

Refused = Callable[..., dict[str, Any]]


@pytest.fixture
def bucket(name: str) -> str:
    return f"bucket-{name.replace('_', '-')}"


def place(house: House) -> Place:
    return Place(project_id=PROJECT, workspace_id=house.directory.workspace(PROJECT, None).id)


def zip_of(*entries: tuple[str, Any]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for path, content in entries:
            archive.writestr(path, content if isinstance(content, bytes | str) else json.dumps(content))
    return file.getvalue()


def put(house: House, bucket: str, content: bytes) -> str:
    assert house.call("PUT", f"/obs/{bucket}/in/file.zip", content=content).status_code == 200
    return f"obs://{bucket}/in/file.zip"


def ended(house: House, task_id: str) -> dict[str, Any]:
    deadline = time.monotonic() + 30
    while True:
        task: dict[str, Any] = house.call("GET", f"system-tasks/{task_id}").json()
        if task["status"] != "RUNNING":
            return task
        assert time.monotonic() < deadline
        time.sleep(0.02)


def imported(house: House, bucket: str, content: bytes, what: str = "jobs", **wish: Any) -> dict[str, Any]:
    reply = house.call("POST", f"{what}/import", {"path": put(house, bucket, content), **wish})
    assert reply.status_code == 200, reply.text
    assert set(reply.json()) == {"taskId"}
    return ended(house, reply.json()["taskId"])


def messages(task: dict[str, Any]) -> dict[str, tuple[str, str]]:
    return {each["name"]: (each["status"], each["message"]) for each in task["subtasks"]}


def stored(house: House, kind: Kind, name: str) -> bytes | None:
    found = house.run(house.store.get_definition(place(house), kind, name))
    return None if found is None else json.dumps(found.body, ensure_ascii=False).encode()


@pytest.fixture
def family(house: House, name: str) -> dict[Kind, str]:
    """A job, its script and its resource."""
    script, resource = f"{name}_s", f"{name}_r"
    house.call("POST", "scripts", {"content": "echo ü", "type": "Shell", "name": script, "zzz": 1, "directory": "/d"})
    house.call("POST", "resources", {"name": resource, "type": "jar", "location": "obs://bbb/a.jar"})
    nodes = [
        {
            "name": "n",
            "type": "Shell",
            "properties": [
                {"name": "scriptName", "value": script},
                {"name": "resourcePath", "value": resource},
                {"name": "connectionName", "value": "old"},
            ],
        }
    ]
    params = [{"name": "a", "value": "1", "type": "variable"}]
    house.save_job(name, nodes=nodes, params=params, extra={"b": 1, "a": [None]}, directory="/d/e")
    return {Kind.JOB: name, Kind.SCRIPT: script, Kind.RESOURCE: resource}


def wipe(house: House, family: dict[Kind, str]) -> None:
    for kind, name in family.items():
        house.run(house.store.delete_definition(place(house), kind, name))


def test_one_job_is_exported_with_what_it_depends_on(house: House, family: dict[Kind, str], name: str) -> None:
    reply = house.call("POST", f"jobs/{name}/export")
    assert reply.status_code == 200, reply.text
    assert reply.headers["Content-Type"] == "application/octet-stream"
    assert f'filename="DLF_{name}.zip"' in reply.headers["Content-Disposition"]
    with zipfile.ZipFile(io.BytesIO(reply.content)) as archive:
        assert archive.namelist() == [f"jobs/{name}.job", f"scripts/{name}_s.script", f"resources/{name}_r.resource"]
        assert (
            archive.read(f"jobs/{name}.job")
            == json.dumps(
                json.loads(stored(house, Kind.JOB, name) or b""), separators=(",", ":"), ensure_ascii=False
            ).encode()
        )
    alone = house.call("POST", f"jobs/{name}/export", {"exportDepend": False}).content
    assert zipfile.ZipFile(io.BytesIO(alone)).namelist() == [f"jobs/{name}.job"]


def test_several_jobs_lie_in_folders_of_their_own(house: House, family: dict[Kind, str], name: str) -> None:
    house.save_job(f"{name}_2")
    reply = house.call("POST", "jobs/batch-export", {"jobList": [name, f"{name}_2", name]})
    assert 'filename="jobs.zip"' in reply.headers["Content-Disposition"]
    assert zipfile.ZipFile(io.BytesIO(reply.content)).namelist() == [
        f"jobs/{name}/{name}.job",
        f"jobs/{name}_2/{name}_2.job",
        f"scripts/{name}_s.script",
        f"resources/{name}_r.resource",
    ]


@pytest.mark.parametrize("batch", [False, True])
def test_export_wipe_import_gives_the_same_documents(
    house: House, family: dict[Kind, str], name: str, bucket: str, batch: bool
) -> None:
    def export() -> bytes:
        if batch:
            return house.call("POST", "jobs/batch-export", {"jobList": [name]}).content
        return house.call("POST", f"jobs/{name}/export").content

    before = {kind: stored(house, kind, each) for kind, each in family.items()}
    first = export()
    wipe(house, family)
    task = imported(house, bucket, first)
    assert (task["status"], len(task["subtasks"])) == ("SUCCESSFUL", 3)
    assert {kind: stored(house, kind, each) for kind, each in family.items()} == before
    assert export() == first
    job = house.call("GET", f"jobs?jobName={name}").json()["jobs"][0]
    assert (job["status"], job["path"]) == ("STOPPED", "/d/e")


def test_the_submitted_version_is_exported_where_asked(house: House, refused: Refused, name: str) -> None:
    house.save_job(name, description="submitted")
    house.call("PUT", f"jobs/{name}", {**JOB, "name": name, "description": "draft", "targetStatus": "SAVED"})

    def description(**wish: Any) -> str:
        content = house.call("POST", f"jobs/{name}/export", wish).content
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            found: str = json.loads(archive.read(f"jobs/{name}.job"))["description"]
            return found

    assert (description(), description(exportStatus="DEVELOP")) == ("draft", "draft")
    assert description(exportStatus="SUBMIT") == "submitted"
    house.call("POST", "jobs", {**JOB, "name": f"{name}_2", "targetStatus": "SAVED"})
    refused("DLF.0100", "POST", f"jobs/{name}_2/export", {"exportStatus": "SUBMIT"})


def test_an_export_is_also_stored_where_obs_path_says(house: House, refused: Refused, job: str, bucket: str) -> None:
    content = house.call("POST", f"jobs/{job}/export", {"obsPath": f"obs://{bucket}/out"}).content
    assert house.call("GET", f"/obs/{bucket}/out/DLF_{job}.zip").content == content
    assert zipfile.ZipFile(io.BytesIO(content)).namelist() == [f"jobs/{job}.job"]
    refused("DLF.0803", "POST", f"jobs/{job}/export", {"obsPath": "/etc"})


def test_exports_are_refused(refused: Refused, job: str) -> None:
    refused("DLF.0100", "POST", "jobs/nobody/export")
    refused("DLF.0100", "POST", "jobs/batch-export", {"jobList": [job, "nobody"]})
    for wish in ({}, {"jobList": []}, {"jobList": "a"}, {"jobList": [1]}, {"jobList": [job] * 101}):
        refused("DLF.3051", "POST", "jobs/batch-export", wish)
    refused("DLF.3051", "POST", f"jobs/{job}/export", {"exportStatus": "ALL"})
    refused("DLF.3051", "POST", f"jobs/{job}/export", {"exportDepend": "maybe"})


# ---------------------------------------------------------------- import


def test_what_exists_is_skipped_or_overwritten(house: House, name: str, bucket: str) -> None:
    def content(text: str) -> bytes:
        return zip_of(
            (f"jobs/{name}.job", {**JOB, "name": name, "description": text}),
            (f"scripts/{name}.script", {**SCRIPT, "name": name, "content": text}),
        )

    titles = (f"Import the {name} script.", f"Import the {name} job.")
    expected = dict.fromkeys(titles, ("SUCCESSFUL", CREATED))
    assert messages(imported(house, bucket, content("1"))) == expected
    task = imported(house, bucket, content("2"))
    assert messages(task) == dict.fromkeys(titles, ("SUCCESSFUL", SKIPPED))
    assert house.call("GET", f"jobs/{name}").json()["description"] == "1"
    task = imported(house, bucket, content("3"), sameNamePolicy="OVERWRITE")
    assert messages(task) == dict.fromkeys(titles, ("SUCCESSFUL", OVERWRITTEN))
    assert house.call("GET", f"jobs/{name}").json()["description"] == "3"
    assert house.call("GET", f"scripts/{name}").json()["content"] == "3"


def test_a_masked_parameter_leaves_without_its_value_and_an_import_keeps_the_one_there_is(
    house: House, name: str, bucket: str
) -> None:
    secret = "masked-in-transit-4711"
    house.save_job(name, params=[{"name": "key", "value": secret, "masked": True}])

    def sealed() -> str:
        return str(json.loads(stored(house, Kind.JOB, name) or b"")["params"][0]["value"])

    before = sealed()
    assert secret not in before
    archive = house.call("POST", f"jobs/{name}/export", {}).content
    with zipfile.ZipFile(io.BytesIO(archive)) as file:
        exported = "".join(file.read(each).decode() for each in file.namelist())
    assert (secret in exported, before in exported, MASK in exported) == (False, False, True)
    imported(house, bucket, archive, sameNamePolicy="OVERWRITE")
    assert sealed() == before
    assert house.call("DELETE", f"jobs/{name}").status_code == 204
    imported(house, bucket, archive)
    assert sealed() == MASK


def test_a_task_reads_as_documented(house: House, name: str, bucket: str) -> None:
    task = imported(house, bucket, zip_of((f"jobs/{name}.job", {**JOB, "name": name})))
    assert task["name"] == f"Import the job from obs://{bucket}/in/file.zip."
    assert task["projectId"] == PROJECT
    assert task["startTime"] <= task["lastUpdate"]
    assert task["startTime"] <= task["endTime"]
    [subtask] = task["subtasks"]
    assert task["subTasks"] == [subtask]
    assert (subtask["taskId"], subtask["name"]) == (task["id"], f"Import the {name} job.")
    assert house.call("GET", f"systemTasks/{task['id']}").json() == task
    assert "owner" not in task


def test_a_task_that_is_not_there_is_refused(refused: Refused) -> None:
    for spelling in ("system-tasks", "systemTasks"):
        error = refused("DLF.20810", "GET", f"{spelling}/nobody")
        assert error["error_msg"].startswith("Task[nobody] does not exist")


def test_values_and_names_are_set_on_the_way(house: House, family: dict[Kind, str], name: str, bucket: str) -> None:
    content = house.call("POST", f"jobs/{name}/export").content
    task = imported(
        house,
        bucket,
        content,
        sameNamePolicy="OVERWRITE",
        params={"a": "2", "other": "x"},
        jobsParam=[{"name": name, "params": {"b": "3"}}],
        executeUser="eve",
        resources=[{"name": "old", "type": "MRS_HIVE_CONNECTION", "replace": "new"}],
        targetStatus="SUBMITTED",
        approvers=[{"approverName": "anna"}],
    )
    assert task["status"] == "SUCCESSFUL"
    got = house.call("GET", f"jobs/{name}").json()
    assert [(each["name"], each["value"]) for each in got["params"]] == [("a", "2"), ("b", "3")]
    assert got["basicConfig"] == {"executeUser": "eve"}
    assert got["nodes"][0]["properties"][2]["value"] == "new"


def test_a_saved_job_is_not_submitted(house: House, name: str, bucket: str) -> None:
    imported(house, bucket, zip_of(("a.job", {**JOB, "name": name})), targetStatus="SAVED")
    found = house.run(house.store.get_definition(place(house), Kind.JOB, name))
    assert found is not None
    assert found.submitted_version is None


def test_only_an_admin_imports_to_production(house: House, name: str, bucket: str) -> None:
    path = put(house, bucket, zip_of(("a.job", {**JOB, "name": name})))
    wish = {"path": path, "targetStatus": "PRODUCTION"}
    assert house.call("POST", "jobs/import", wish, role="developer").status_code == 403
    assert house.call("POST", "jobs/import", {"path": path}, role="operator").status_code == 200
    assert house.call("POST", "jobs/import", wish, role="admin").status_code == 200


def test_a_job_whose_schedule_runs_is_not_overwritten(house: House, job: str, bucket: str) -> None:
    house.run(house.store.set_definition_status(place(house), Kind.JOB, job, "SCHEDULING"))
    content = zip_of(("a.job", {**JOB, "name": job, "description": "new"}))
    task = imported(house, bucket, content, sameNamePolicy="OVERWRITE")
    assert task["status"] == "FAILED"
    assert "schedule" in task["subtasks"][0]["message"]
    assert house.call("GET", f"jobs/{job}").json()["description"] == ""


def test_what_is_broken_fails_alone_and_nothing_of_it_is_written(house: House, name: str, bucket: str) -> None:
    task = imported(
        house,
        bucket,
        zip_of(
            ("jobs/good.job", {**JOB, "name": name}),
            ("jobs/broken.job", "{"),
            ("../climbs.job", {**JOB, "name": f"{name}_climbs"}),
            ("jobs/cycle.job", {**JOB, "name": f"{name}_cycle", "nodes": []}),
            ("scripts/type.script", {"name": f"{name}_type", "content": ""}),
            ("what.txt", "?"),
        ),
    )
    assert (task["status"], task["message"]) == ("WARNING", "5 of 6 subtasks failed.")
    failed = {each["name"]: each["message"] for each in task["subtasks"] if each["status"] == "FAILED"}
    assert len(failed) == 5
    assert all(failed.values())
    assert [each["name"] for each in house.call("GET", f"jobs?jobName={name}").json()["jobs"]] == [name]
    assert house.call("GET", f"scripts?scriptName={name}").json()["total"] == 0


def test_a_file_that_is_no_zip_fails_with_its_reason(house: House, bucket: str) -> None:
    for content in (b"", b"no zip", zip_of()):
        task = imported(house, bucket, content)
        assert (task["status"], len(task["subtasks"])) == ("FAILED", 1)
        assert task["subtasks"][0]["message"]


def test_a_path_that_leads_nowhere_is_refused_at_once(refused: Refused, bucket: str) -> None:
    for what in ("jobs/import", "jobs/check-file", "connections/import"):
        error = refused("DLF.0815", "POST", what, {"path": f"obs://{bucket}/nothing.zip"})
        assert error["error_msg"] == "Fail to read OBS file."
        refused("DLF.0815", "POST", what, {"path": f"obs://{bucket}/"})
        for path in ("/etc/passwd", "obs://../x", 1):
            refused("DLF.0803", "POST", what, {"path": path})
        refused("DLF.0802", "POST", what, {"path": ""})


@pytest.mark.parametrize(
    "wish",
    [
        {"sameNamePolicy": "RENAME"},
        {"params": []},
        {"params": {"a": 1}},
        {"jobsParam": [1]},
        {"jobsParam": [{"params": {}}]},
        {"targetStatus": "DONE"},
        {"approvers": [{}]},
        {"resources": [{"name": "a", "type": "X", "replace": "b"}]},
        {"resources": [{"name": "a", "replace": "b"}]},
        {"executeUser": "x" * 129},
    ],
)
def test_a_wish_is_refused(refused: Refused, wish: dict[str, Any]) -> None:
    refused("DLF.3051", "POST", "jobs/import", {"path": "obs://bbb/a.zip", **wish})


def test_a_look_into_the_file(house: House, refused: Refused, family: dict[Kind, str], name: str, bucket: str) -> None:
    path = put(house, bucket, house.call("POST", f"jobs/{name}/export").content)
    assert house.call("POST", "jobs/check-file", {"path": path}).json() == {
        "jobs": [{"name": name, "path": "/d/e", "params": {"a": "1"}}],
        "scripts": [{"name": f"{name}_s", "path": "/d"}],
    }
    for content in (b"no zip", zip_of(("a.job", "{"))):
        refused("DLF.0815", "POST", "jobs/check-file", {"path": put(house, bucket, content)})


# ---------------------------------------------------------------- connections


def test_connections_leave_without_secrets_and_come_back_with_given_ones(house: House, name: str, bucket: str) -> None:
    house.call("POST", "connections", {**DWS, "name": name})
    house.call("POST", "connections", {**HOST, "name": f"{name}_h", "description": "host"})
    reply = house.call("POST", "connections/export")
    assert 'filename="DLF_All_DataConnections.zip"' in reply.headers["Content-Disposition"]
    assert b"S3cret" not in reply.content
    with zipfile.ZipFile(io.BytesIO(reply.content)) as archive:
        assert f"connections/{name}.conn" in archive.namelist()
        found = json.loads(archive.read(f"connections/{name}.conn"))
        assert (found["type"], "password" in found["config"], "$sealed" in str(found)) == ("DWS", False, False)
        mine = [(each, archive.read(each)) for each in archive.namelist() if name in each]
    content = zip_of(*mine)
    kept = imported(house, bucket, content, "connections", sameNamePolicy="OVERWRITE")
    assert kept["status"] == "SUCCESSFUL", kept
    assert kept["name"].startswith("Import the connection from")
    assert password(house, name) == "S3cret-Wort"
    for each in (name, f"{name}_h"):
        house.call("DELETE", f"connections/{each}")
    given = [{"name": name, "connectionType": "DWS", "params": {"password": "New-1"}}]
    assert imported(house, bucket, content, "connections", params=given)["status"] == "SUCCESSFUL"
    assert password(house, name) == "New-1"
    assert house.call("GET", f"connections/{name}").json()["config"]["password"] == MASK
    assert "password" not in house.call("GET", f"connections/{name}_h").json()["config"]
    again = messages(imported(house, bucket, content, "connections"))
    assert set(again.values()) == {("SUCCESSFUL", SKIPPED)}


def test_a_connection_that_breaks_a_rule_fails_with_its_reason(house: House, name: str, bucket: str) -> None:
    task = imported(
        house,
        bucket,
        zip_of(("c/a.conn", {"name": name, "type": "DWS", "config": {}}), ("c/b.conn", {"name": "b", "type": "X"})),
        "connections",
        params=[{"name": "zzz", "type": "DWS"}],
    )
    assert task["status"] == "FAILED"
    assert "DWS cluster name" in messages(task)[f"Import the {name} connection."][1]


# ---------------------------------------------------------------- tasks and time


def test_a_task_that_was_cut_off_is_marked_failed(house: House) -> None:
    async def whole() -> None:
        now = 1000
        tasks = SystemTasks(house.store, lambda: now, owner="one")
        started = asyncio.Event()

        async def endless() -> str:
            started.set()
            await asyncio.Event().wait()
            return ""

        async def steps(progress: Progress) -> None:
            await progress.subtask("endless", endless)

        stopped = await tasks.start(place(house), name="stopped", actor="anna", steps=steps)
        await started.wait()
        running = await tasks.get(place(house), stopped)
        assert running is not None
        assert running["status"] == "RUNNING"
        # Another server that is silent for long is taken for dead.
        late = SystemTasks(house.store, lambda: now + SILENT_MS + 1, owner="two")
        silent = await late.get(place(house), stopped)
        assert silent is not None
        assert (silent["status"], "stopped before" in silent["message"]) == ("FAILED", True)
        # A successor of another name leaves it alone, one of its name marks it.
        await late.recover([place(house)])
        assert (await tasks.get(place(house), stopped) or {})["status"] == "RUNNING"
        await SystemTasks(house.store, lambda: now, owner="one").recover([place(house)])
        found = await tasks.get(place(house), stopped)
        assert found is not None
        assert found["status"] == "FAILED"
        # And on its way out it says so itself.
        await tasks.close()
        found = await tasks.get(place(house), stopped)
        assert found is not None
        assert (found["status"], found["subtasks"][0]["status"]) == ("FAILED", "FAILED")
        assert "stopped before" in found["subtasks"][0]["message"]

    house.run(whole())


def test_a_server_that_starts_again_marks_what_its_predecessor_left(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with running_server(data) as server:
        task_id = server.client.post("jobs/import", json={"path": _put_on(server)}).json()["taskId"]
        deadline = time.monotonic() + 30
        while server.client.get(f"system-tasks/{task_id}").json()["status"] == "RUNNING":
            assert time.monotonic() < deadline
            time.sleep(0.02)

    async def leave_running() -> None:
        """As if the server had been killed in the middle."""
        store = open_store(place_for(data, "arkwright.db"))
        await store.open()
        [home] = [each for each in (await store.read_identity()).workspaces if each.is_default]
        there = Place(project_id=home.project_id, workspace_id=home.id)
        done = await store.get_definition(there, Kind.SYSTEM_TASK, task_id)
        assert done is not None
        body = {**done.body, "status": "RUNNING"}
        write = DefinitionWrite(
            name=task_id, category="RUNNING", directory="/", body=body, submit=False, actor="admin", at_ms=2**50
        )
        await store.save_definition(there, Kind.SYSTEM_TASK, task_id, write)
        await store.close()

    asyncio.run(leave_running())
    with running_server(data) as server:
        task = server.client.get(f"system-tasks/{task_id}").json()
    assert (task["status"], "stopped before" in task["message"]) == ("FAILED", True)


def _put_on(server: RunningServer) -> str:
    token = {"X-Auth-Token": server.client.headers["X-Auth-Token"]}
    content = zip_of(("a.job", {**JOB, "name": "a"}))
    assert httpx2.put(f"{server.url}/obs/bbb/a.zip", content=content, headers=token).status_code == 200
    return "obs://bbb/a.zip"
