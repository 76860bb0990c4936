"""Calls about the settings of the client's workspace."""

from __future__ import annotations

from arkwright.client.calls import Call, Document, document, nothing


def settings() -> Call[Document]:
    return Call(method="GET", path="workspace-settings", read=document)


def change_settings(changed: Document) -> Call[None]:
    """What is not named stays as it is; an object is replaced as a whole."""
    return Call(method="PUT", path="workspace-settings", body=changed, read=nothing)
