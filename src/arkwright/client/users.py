"""Calls about users, their roles and access keys. A user is named by name or id."""

from __future__ import annotations

import uuid

from arkwright.client.calls import Answer, Call, Document, document, nothing, path


def find() -> Call[list[Document]]:
    """All users of the domain."""
    return Call(method="GET", path="users", read=_users)


def get(user: str) -> Call[Document]:
    return Call(method="GET", path=path("users", user), read=document)


def create(name: str, *, password: str = "", administrator: bool = False) -> Call[Document]:
    """Answers the user; without a password one is made and answered, this once."""
    body: Document = {"name": name, "administrator": administrator}
    if password:
        body["password"] = password
    return Call(method="POST", path="users", body=body, idempotency_key=uuid.uuid4().hex, read=document)


def disable(user: str) -> Call[None]:
    """Tokens and access keys stop working at once."""
    return _post(user, "disable")


def enable(user: str) -> Call[None]:
    return _post(user, "enable")


def reset_password(user: str, *, password: str = "") -> Call[Document]:
    """Without a password one is made and answered as `password`. The user's tokens end."""
    body = {"password": password} if password else None
    where = path("users", user, "password")
    return Call(method="POST", path=where, body=body, idempotency_key=uuid.uuid4().hex, read=document)


def rotate_access_key(user: str) -> Call[Document]:
    """Answers `access_key` and `secret_key`, this once; the user's other keys stop working."""
    where = path("users", user, "access-keys")
    return Call(method="POST", path=where, idempotency_key=uuid.uuid4().hex, read=document)


def set_role(user: str, role: str | None) -> Call[None]:
    """In the workspace of the client; None: not a member any more."""
    return Call(method="PUT", path=path("users", user, "role"), body={"role": role}, read=nothing)


def _post(user: str, what: str) -> Call[None]:
    where = path("users", user, what)
    return Call(method="POST", path=where, idempotency_key=uuid.uuid4().hex, read=nothing)


def _users(answer: Answer) -> list[Document]:
    users = document(answer)["users"]
    if not isinstance(users, list):
        raise ValueError("no list of users")
    return users
