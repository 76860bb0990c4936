"""Calls to be signed, as programs make them, and our judgement of what was signed."""

from __future__ import annotations

import json

import pytest
from tests.iam.house import START_MS
from tests.iam.official import SECRET_KEY, Call, Sent, segment

from arkwright.errors import Unauthenticated
from arkwright.iam import signatures

JOBS = "/v1/0123456789abcdef0123456789abcdef/jobs"
JSON = {"Content-Type": "application/json;charset=UTF-8"}

CALLS = {
    "plain": Call(),
    "root": Call(path="/"),
    "trailing slash": Call(path=f"{JOBS}/"),
    "doubled slashes": Call(path="//v1//jobs//"),
    "query": Call(query=[("offset", 0), ("limit", 10)]),
    "query out of order": Call(query=[("z", "1"), ("a", "2"), ("M", "3"), ("_", "4")]),
    "repeated key": Call(query=[("status", "b"), ("status", "a"), ("status", "B")]),
    "list value": Call(query=[("status", ["b", "a"])]),
    "list of numbers, which the SDK sorts as numbers": Call(query=[("id", [10, 9, 100])]),
    "repeated numbers": Call(query=[("id", 10), ("id", 9), ("a", "x")]),
    "booleans": Call(query=[("precise", True), ("other", False)]),
    "empty value": Call(query=[("name", ""), ("other", "x")]),
    "empty key": Call(query=[("", "x")]),
    "unicode query": Call(query=[("größe", "作业 1"), ("emoji", "🚀")]),
    "reserved in query": Call(query=[("q", "a+b c/d?e=f&g;h,i:j@k*l'm(n)!~-._%25")]),
    "plus in key": Call(query=[("a+b", "c+d")]),
    "unicode path": Call(path=f"{JOBS}/{segment('作业_ä')}"),
    "space in path": Call(path=f"{JOBS}/{segment('my job')}"),
    "encoded slash in path": Call(path=f"{JOBS}/{segment('a/b')}/run-immediate"),
    "encoded percent in path": Call(path=f"{JOBS}/{segment('100%2F')}"),
    "reserved in path": Call(path=f"{JOBS}/{segment(chr(43) + ':@!$&()*,;=~.-_')}"),
    "unencoded reserved in path": Call(path=f"{JOBS}/a:b@c+d"),
    "post": Call(method="POST", path=f"{JOBS}/j/run-immediate", headers=JSON, body='{"jobParams":[]}'),
    "post bytes": Call(method="POST", headers=JSON, body='{"name":"ä作"}'.encode()),
    "post without body": Call(method="POST", headers=JSON),
    "post without content type": Call(method="POST", body="{}"),
    "put": Call(method="PUT", headers=JSON, body=json.dumps({"a": "x" * 100_000})),
    "delete": Call(method="DELETE", query=[("a", "b")]),
    "method in small letters": Call(method="post", headers=JSON, body="{}"),
    "odd spacing in headers": Call(headers={"workspace": "  a  b\t c  ", "X-Language": "en-us "}),
    "empty header": Call(headers={"workspace": ""}),
    "unicode header": Call(headers={"X-Note": "größe 作"}),
    "underscore header": Call(headers={"X_Note": "not signed", "X-Note": "signed"}),
    "many headers": Call(
        headers={**JSON, "X-Project-Id": "p", "User-Agent": "huaweicloud-usdk-python/3.0", "workspace": "w"}, body="{}"
    ),
    "upload": Call(method="PUT", headers={"Content-Type": "application/octet-stream"}, body=b"\x00\xff\n"),
    "multipart": Call(method="POST", headers={"Content-Type": "multipart/form-data; boundary=x"}, body=b"--x--"),
    "other type without body": Call(method="POST", headers={"Content-Type": "text/plain"}),
    "bson": Call(method="POST", headers={"Content-Type": "application/bson"}, body=b"\x05\x00\x00\x00\x00"),
    "hash given": Call(
        method="POST",
        headers={**JSON, "X-Sdk-Content-Sha256": signatures.sha256_hex(b'{"a":1}')},
        body='{"a":1}',
    ),
}


def check(sent: Sent, *, now_ms: int = START_MS, secret: str = SECRET_KEY, signed_host: bool = True) -> str:
    claim = signatures.parse(sent.authorization, sent.headers, now_ms=now_ms, require_signed_host=signed_host)
    claim.verify(
        secret.encode(),
        method=sent.method,
        path=sent.path,
        query=sent.query,
        body_sha256=signatures.sha256_hex(sent.body),
    )
    return claim.access_key


def refused(sent: Sent, *, now_ms: int = START_MS, secret: str = SECRET_KEY) -> Unauthenticated:
    with pytest.raises(Unauthenticated) as caught:
        check(sent, now_ms=now_ms, secret=secret)
    assert type(caught.value) is Unauthenticated
    return caught.value


POST = Call(
    method="POST",
    path=f"{JOBS}/a%2Fb/run-immediate",
    query=[("wait", "5"), ("x", "")],
    headers={**JSON, "workspace": "w1"},
    body='{"jobParams":[]}',
)
