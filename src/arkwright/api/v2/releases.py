"""Release packages and pending items of a workspace in enterprise mode.

Rules: what is listed is what was stored; a workspace in simple mode has neither. A package is made of pending items
that are in no package yet. Deploying is a system task, which goes on behind the reply; until it is over the package is
RUNNING, and one whose server died meanwhile can be deployed again. It makes the pending version of each item the
submitted one, item by item; an item that is gone fails with its package, and the others are deployed, each with its own
state. Revoking gives the items back. A package is deployed or revoked once.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping
from functools import partial
from typing import Any

from starlette.responses import Response

from arkwright.api.call import Call, answer, empty
from arkwright.api.error_codes import ALREADY_RELEASED, TASK_NOT_FOUND
from arkwright.api.errors import HttpRefusal
from arkwright.api.records import all_of, contains, page_of, write_of
from arkwright.api.route import Route, number, text
from arkwright.api.v1.fields import choice, list_, wrong
from arkwright.api.v1.fields import number as number_of
from arkwright.api.v1.fields import text as text_of
from arkwright.api.v1.schedule import begin, found_job
from arkwright.api.v2 import report_documents
from arkwright.api.v2.paths import PAGE, SIZE, route
from arkwright.errors import InvalidInput, NotFound
from arkwright.iam.model import Action
from arkwright.store.base import Definition, DefinitionWrite, Kind
from arkwright.transfer.tasks import Progress, TaskStatus

PENDING, SUCCESS, FAILED, RUNNING = 1, 2, 3, 5
MAX_PACKAGES = 100
MAX_ITEMS = 100
_KINDS = {1: Kind.JOB, 2: Kind.SCRIPT, 3: Kind.RESOURCE}
_MAX_MS = 2**53 - 1


# ---------------------------------------------------------------- pending items


async def list_pending_items(call: Call) -> Response:
    query = call.query
    update = number_of(query.get("update_type"), "update_type", 1, 3)
    kind = number_of(query.get("task_type"), "task_type", 1, 3)
    from_ms, to_ms = call.number("start_time", 0) or 0, call.number("end_time", _MAX_MS) or _MAX_MS
    found = [
        each
        for each in await all_of(call, Kind.PENDING_ITEM)
        if contains(each.body.get("submit_user_name"), query.get("submit_user_name", ""))
        and contains(each.body.get("item_name"), query.get("item_name", ""))
        and (update is None or each.body.get("update_type") == update)
        and (kind is None or each.body.get("task_type") == kind)
        and from_ms <= int(each.body.get("submit_timestamp") or each.created_ms) <= to_ms
    ]
    data = [_pending(each) for each in page_of(call, found)]
    return answer({"total": len(found), "data": data})


def _pending(item: Definition) -> dict[str, Any]:
    return {"package_flag": 0, "project_id": item.place.project_id, **item.body, "pending_item_id": item.name}


async def package_items(call: Call) -> Response:
    body = await call.document()
    applicant = text_of(body.get("apply_user_id"), "apply_user_id", 64, least=1)
    name = text_of(body.get("package_name"), "package_name", 128, least=1)
    wanted = _names(body, "pending_item_list", MAX_ITEMS)
    approvers = _names(body, "approver_ids", 100)
    users = call.parts.directory
    for field, user_id in (("apply_user_id", applicant), *(("approver_ids", each) for each in approvers)):
        if users.user(user_id) is None:
            raise NotFound(f"{field}: user {user_id[:64]} does not exist.", field=field)
    items: list[Definition] = []
    for each in wanted:
        item = await call.parts.store.get_definition(call.place, Kind.PENDING_ITEM, each)
        if item is None:
            raise NotFound(f"There is no pending item {each[:64]}.", field="pending_item_list")
        if item.body.get("package_flag"):
            raise InvalidInput(f"Pending item {each[:64]} is in a package already.", field="pending_item_list")
        items.append(item)
    package_id = secrets.token_hex(16)
    stored = {
        **body,
        "apply_user_name": _user_name(call, applicant),
        "apply_timestamp": call.parts.now_ms(),
        "delete_flag": 0,
        "deploy_status": PENDING,
        "package_approvers": [{"user_id": each, "user_name": _user_name(call, each)} for each in approvers],
        "task_details": [{**_pending(item), "deploy_status": PENDING} for item in items],
    }
    await call.parts.store.create_definition(
        call.place, Kind.RELEASE_PACKAGE, write_of(call, package_id, stored, category="PACKAGE")
    )
    for item in items:
        await _save(call, item, {**item.body, "package_flag": 1})
    return answer({"package_name": name, "release_package_id": package_id})


# ---------------------------------------------------------------- packages


async def list_packages(call: Call) -> Response:
    body = await call.document(required=False)
    direction = choice(str(body.get("sorted_direction") or "").lower(), "sorted_direction", ("asc", "desc")) or "desc"
    column = choice(body.get("order_column"), "order_column", ("apply_timestamp", "deploy_timestamp", "package_name"))
    column = column or "apply_timestamp"
    size = number_of(body.get("limit"), "limit", 1, 100) or 10
    page = number_of(body.get("offset"), "offset", 0, 2**31) or 0
    found = [each for each in await all_of(call, Kind.RELEASE_PACKAGE) if _matches(each.body, body)]
    found.sort(key=lambda each: _order(each.body.get(column)), reverse=direction == "desc")
    start = page if call.parts.offset_mode == "record" else page * size
    return answer({"total": len(found), "data": [_package(each) for each in found[start : start + size]]})


def _order(value: Any) -> tuple[int, int | str]:
    return (1, value) if isinstance(value, str) else (0, int(value or 0))


def _matches(package: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    if not contains(package.get("package_name"), text_of(wanted.get("key_word"), "key_word", 128)):
        return False
    for who in ("apply", "deploy"):
        field = f"{who}_user_name"
        if not contains(package.get(field), text_of(wanted.get(field), field, 128)):
            return False
        names = list_(wanted.get(f"{field}_filter"), f"{field}_filter", "names")
        if names and package.get(field) not in names:
            return False
        at = int(package.get(f"{who}_timestamp") or 0)
        begin = number_of(wanted.get(f"{who}_begin_time"), f"{who}_begin_time", 0, _MAX_MS)
        end = number_of(wanted.get(f"{who}_end_time"), f"{who}_end_time", 0, _MAX_MS)
        if (begin is not None and at < begin) or (end is not None and not 0 < at <= end):
            return False
    states = list_(wanted.get("deploy_status_filter"), "deploy_status_filter", "numbers")
    return not states or package.get("deploy_status") in states


def _package(package: Definition) -> dict[str, Any]:
    hidden = ("task_details", "pending_item_list", "approver_ids")
    shown = {key: value for key, value in package.body.items() if key not in hidden}
    place = package.place
    return {**shown, "package_id": package.name, "project_id": place.project_id, "workspace_id": place.workspace_id}


async def show_package(call: Call) -> Response:
    package = await _found(call, call.path["package_id"])
    return answer({"release_package": _package(package), "task_details": package.body["task_details"]})


async def deploy_packages(call: Call) -> Response:
    body = await call.document()
    wanted = _names(body, "package_ids", MAX_PACKAGES)
    mode = number_of(body.get("startup_mode"), "startup_mode", 0, 1)
    packages = [await _found(call, each) for each in wanted]
    for package in packages:
        await _check_open(call, package, deploy=True)
    details = []
    for package in packages:
        task_id = await _begin(call, package, start=mode != 0)
        count = len(package.body["task_details"])
        details.append({"asy_subtask_num": count, "asy_task_id": task_id, "package_id": package.id})
    return answer({"deploy_package_details": details})


async def _begin(call: Call, package: Definition, *, start: bool) -> str:
    """Deploy a package behind the reply; answers the id of the system task that tells how it goes."""
    stored = asyncio.Event()
    body: dict[str, Any] = {
        **package.body,
        "deploy_status": RUNNING,
        "deploy_timestamp": call.parts.now_ms(),
        "deploy_user_id": call.actor.user_id,
        "deploy_user_name": call.actor.user_name,
    }

    async def steps(progress: Progress) -> None:
        await stored.wait()
        done: list[dict[str, Any]] = [{**item, "deploy_status": FAILED} for item in body["task_details"]]

        async def work(index: int) -> str:
            done[index] = await _deploy(call, body["task_details"][index], start=start)
            if done[index]["deploy_status"] != SUCCESS:
                raise NotFound(f"{done[index].get('item_name')} is gone.", field="package_ids")
            return ""

        for index, item in enumerate(done):
            await progress.subtask(str(item.get("item_name", "")), partial(work, index))
        good = all(each["deploy_status"] == SUCCESS for each in done)
        await _save(call, package, {**body, "task_details": done, "deploy_status": SUCCESS if good else FAILED})

    place, name = call.place, str(package.body["package_name"])
    task_id = await call.parts.system_tasks.start(place, name=name, actor=call.actor.user_name, steps=steps)
    body["asy_task_id"] = task_id
    try:
        await _save(call, package, body)
    finally:
        stored.set()
    return task_id


async def _deploy(call: Call, item: Mapping[str, Any], *, start: bool) -> dict[str, Any]:
    """Make the item's pending version the submitted one; answers the item with its state."""
    store, failed = call.parts.store, {**item, "deploy_status": FAILED}
    kind = _KINDS.get(int(item.get("task_type") or 0))
    name, version = str(item.get("item_name", "")), number_of(item.get("pending_version"), "pending_version", 1, 2**31)
    if kind is None:
        return failed
    if item.get("update_type") == 3:
        if await store.get_definition(call.place, kind, name) is None:
            return failed
        await store.delete_definition(call.place, kind, name)
    else:
        found = await store.get_definition(call.place, kind, name, version=version)
        if found is None:
            return failed
        await _save(call, found, found.body)
    state = {"deploy_status": SUCCESS}
    if kind is Kind.JOB and item.get("update_type") != 3 and start:
        state["start_job_status"] = await _start(call, name)
    await _drop(call, str(item.get("pending_item_id", "")))
    return {**item, **state}


async def _start(call: Call, job_name: str) -> int:
    try:
        await begin(call, await found_job(call, job_name), {})
    except InvalidInput:
        return FAILED  # it has no plan, or runs by it already; the deployment itself is done
    return SUCCESS


async def revoke_packages(call: Call) -> Response:
    wanted = _names(await call.document(), "package_ids", MAX_PACKAGES)
    packages = [await _found(call, each) for each in wanted]
    for package in packages:
        await _check_open(call, package, deploy=False)
    for package in packages:
        for each in package.body["task_details"]:
            item = await call.parts.store.get_definition(call.place, Kind.PENDING_ITEM, str(each["pending_item_id"]))
            if item is not None:
                await _save(call, item, {**item.body, "package_flag": 0})
        await call.parts.store.delete_definition(call.place, Kind.RELEASE_PACKAGE, package.name)
    return empty(200)


# ---------------------------------------------------------------- inside


async def _check_open(call: Call, package: Definition, *, deploy: bool) -> None:
    status = package.body["deploy_status"]
    if deploy and status == RUNNING:
        task = await call.parts.system_tasks.get(call.place, str(package.body.get("asy_task_id", "")))
        if task is None or task["status"] == TaskStatus.FAILED:
            return  # its server died before it was over
    if status != PENDING:
        raise HttpRefusal(ALREADY_RELEASED, f"The package {package.body['package_name']} has been released.")


async def _found(call: Call, package_id: str) -> Definition:
    package = await call.parts.store.get_definition(call.place, Kind.RELEASE_PACKAGE, package_id)
    if package is None:
        raise HttpRefusal(TASK_NOT_FOUND, f"There is no release package {package_id[:64]}.")
    return package


async def _save(call: Call, found: Definition, body: Mapping[str, Any]) -> None:
    write = DefinitionWrite(
        name=found.name,
        category=found.category,
        directory=found.directory,
        body=body,
        submit=True,
        actor=call.actor.user_name,
        at_ms=call.parts.now_ms(),
    )
    await call.parts.store.save_definition(call.place, found.kind, found.name, write)


async def _drop(call: Call, pending_item_id: str) -> None:
    try:
        await call.parts.store.delete_definition(call.place, Kind.PENDING_ITEM, pending_item_id)
    except NotFound:
        pass  # it is done with, one way or the other


def _names(body: Mapping[str, Any], field: str, most: int) -> list[str]:
    given = list_(body.get(field), field, "ids")
    if not 1 <= len(given) <= most:
        raise wrong(field, f"must have 1 to {most} entries", given)
    return list(dict.fromkeys(text_of(str(each), f"{field}[{i}]", 64, least=1) for i, each in enumerate(given)))


def _user_name(call: Call, user_id: str) -> str:
    user = call.parts.directory.user(user_id)
    return "" if user is None else user.name


ROUTES: tuple[Route, ...] = (
    route(
        "GET",
        "/pending-items",
        list_pending_items,
        "listFactoryPendingItems",
        "Changes that wait for a release.",
        Action.RELEASE_READ,
        text("submit_user_name", "A part of the name of who submitted."),
        text("item_name", "A part of the name."),
        text("update_type", "1 added, 2 changed, 3 deleted."),
        text("task_type", "1 job, 2 script, 3 resource."),
        number("start_time", "Submitted from then on, epoch milliseconds."),
        number("end_time", "Submitted until then, epoch milliseconds."),
        PAGE,
        SIZE,
        response=report_documents.PendingItems,
    ),
    route(
        "POST",
        "/pending-items/package",
        package_items,
        "createFactoryPendingItemsPackage",
        "Make a release package of pending items.",
        Action.RELEASE_CREATE,
        example={
            "apply_user_id": "0" * 32,
            "package_name": "monday",
            "pending_item_list": ["1"],
            "approver_ids": ["0" * 32],
        },
        request=report_documents.NewPackage,
        response=report_documents.MadePackage,
    ),
    route(
        "POST",
        "/release-packages",
        list_packages,
        "listFactoryReleasePackages",
        "Release packages, newest first.",
        Action.RELEASE_READ,
        request_required=False,
        example={"deploy_status_filter": [PENDING], "limit": 10, "offset": 0},
        request=report_documents.PackageFilter,
        response=report_documents.PackageList,
    ),
    route(
        "GET",
        "/release-packages/{package_id}",
        show_package,
        "showFactoryPackageDetail",
        "A release package with its items.",
        Action.RELEASE_READ,
        errors=(TASK_NOT_FOUND,),
        response=report_documents.PackageDetail,
    ),
    route(
        "POST",
        "/release-packages/deploy",
        deploy_packages,
        "deployFactoryPackages",
        "Deploy release packages.",
        Action.RELEASE_APPROVE,
        errors=(TASK_NOT_FOUND, ALREADY_RELEASED),
        example={"package_ids": ["1"], "startup_mode": 1},
        request=report_documents.Deployment,
        response=report_documents.DeployedPackages,
    ),
    route(
        "POST",
        "/release-packages/unpack",
        revoke_packages,
        "cancelFactoryPackages",
        "Take release packages back; their items wait again.",
        Action.RELEASE_CREATE,
        errors=(TASK_NOT_FOUND, ALREADY_RELEASED),
        example={"package_ids": ["1"]},
        request=report_documents.PackageIds,
    ),
)
