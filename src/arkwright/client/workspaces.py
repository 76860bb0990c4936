"""Calls about workspaces, and about the settings of the client's own."""

from __future__ import annotations

import uuid

from arkwright.client.calls import Answer, Call, Document, document, nothing, path


def find() -> Call[list[Document]]:
    """Those of the project that the caller is a member of."""
    return Call(method="GET", path="workspaces", read=lambda answer: list(document(answer)["workspaces"]))


def installation() -> Call[str]:
    """The id that the Management Center's calls name an installation by."""
    return Call(method="GET", path="instances", read=_installation)


def create(installation_id: str, name: str, *, time_zone: str = "") -> Call[Document]:
    """For administrators. Without a time zone: that of the default workspace."""
    body = {"name": name} | ({"time_zone": time_zone} if time_zone else {})
    where = path("workspaces", installation_id)
    return Call(method="POST", path=where, body=body, idempotency_key=uuid.uuid4().hex, read=document)


def allow_local_programs(allowed: bool) -> Call[None]:
    """Whether nodes of the client's workspace may run programs on the server's machine. For administrators."""
    return Call(method="PUT", path="local-programs", body={"allowed": allowed}, read=nothing)


def settings() -> Call[Document]:
    return Call(method="GET", path="workspace-settings", read=document)


def change_settings(changed: Document) -> Call[None]:
    """What is not named stays as it is; an object is replaced as a whole."""
    return Call(method="PUT", path="workspace-settings", body=changed, read=nothing)


def _installation(answer: Answer) -> str:
    return str(document(answer)["commodity_orders"][0]["resource_id"])
