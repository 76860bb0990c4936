"""Calls about the servers that share a database."""

from __future__ import annotations

from arkwright.client.calls import Answer, Call, Document, document, nothing, path


def find() -> Call[list[Document]]:
    return Call(method="GET", path="servers", read=_servers)


def drain(name: str) -> Call[None]:
    return Call(method="PUT", path=path("servers", name, "drain"), read=nothing)


def resume(name: str) -> Call[None]:
    return Call(method="PUT", path=path("servers", name, "resume"), read=nothing)


def _servers(answer: Answer) -> list[Document]:
    servers = document(answer)["servers"]
    if not isinstance(servers, list):
        raise ValueError("no list of servers")
    return servers
