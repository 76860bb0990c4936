"""Objects over HTTP: whole, in ranges, listed; roles; limits; streams in constant memory."""

from __future__ import annotations

import hashlib
import json
import os
import re
import resource
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.api.house import OBJECT_LIMIT, House
from tests.api.server import ACCESS_KEY, SECRET_KEY, RunningServer, shell

from arkwright.api.obs import ROUTES
from arkwright.client.signing import AccessKey, SignedRequests

Refused = Callable[..., dict[str, Any]]


@pytest.fixture
def bucket(name: str) -> str:
    return f"bucket-{name.replace('_', '-')}"


def test_an_object_comes_back_as_it_was_put(house: House, bucket: str) -> None:
    path = f"/obs/{bucket}/a/%C3%BC%20x.bin"
    body = os.urandom(100_000)
    put = house.call("PUT", path, content=body)
    assert put.status_code == 200, put.text
    got = house.call("GET", path)
    assert (got.status_code, got.content) == (200, body)
    assert got.headers["Content-Type"] == "application/octet-stream"
    assert (got.headers["Content-Length"], got.headers["ETag"]) == ("100000", put.headers["ETag"])
    head = house.call("HEAD", path)
    assert (head.status_code, head.content, head.headers["Content-Length"]) == (200, b"", "100000")
    assert house.call("PUT", path, content=b"").status_code == 200
    assert house.call("GET", path).content == b""
    assert house.call("DELETE", path).status_code == 204
    for method in ("GET", "DELETE"):
        assert house.call(method, path).status_code == 404


def test_a_part_is_answered_alone(house: House, bucket: str) -> None:
    house.call("PUT", f"/obs/{bucket}/x", content=b"0123456789")
    got = house.call("GET", f"/obs/{bucket}/x", headers={"Range": "bytes=2-4"})
    assert (got.status_code, got.content) == (206, b"234")
    assert got.headers["Content-Range"] == "bytes 2-4/10"
    assert house.call("GET", f"/obs/{bucket}/x", headers={"Range": "bytes=-3"}).content == b"789"
    beyond = house.call("GET", f"/obs/{bucket}/x", headers={"Range": "bytes=10-"})
    assert (beyond.status_code, beyond.headers["Content-Range"]) == (416, "bytes */10")


def test_the_list_has_pages_and_a_prefix(house: House, bucket: str) -> None:
    for key in ("a/1", "a/2", "b"):
        house.call("PUT", f"/obs/{bucket}/{key}", content=b"xyz")
    page = house.call("GET", f"/obs/{bucket}?limit=2").json()
    assert ([each["key"] for each in page["objects"]], page["truncated"]) == (["a/1", "a/2"], True)
    rest = house.call("GET", f"/obs/{bucket}?marker={page['nextMarker']}").json()
    assert ([each["key"] for each in rest["objects"]], rest["truncated"]) == (["b"], False)
    found = house.call("GET", f"/obs/{bucket}?prefix=a/2").json()
    assert [(each["key"], each["size"]) for each in found["objects"]] == [("a/2", 3)]


def test_what_is_not_there_is_told(refused: Refused, bucket: str) -> None:
    refused("DLF.1242", "GET", "/obs/nobody-has-it")
    refused("DLF.0815", "GET", f"/obs/{bucket}/x", status=404)


@pytest.mark.parametrize("path", ["../x/y", "bbb/a/../../x", "bbb/%2e%2e/x", "bbb/a%2f..%2f..%2fx", "bbb/a%5cb", "b/x"])
def test_no_path_climbs_out(house: House, path: str) -> None:
    # The client would tidy the path up before it is sent.
    raw = re.sub(r"%[0-9a-f]{2}", lambda each: bytes.fromhex(each[0][1:]).decode(), f"/obs/{path}")
    for method in ("PUT", "GET", "DELETE"):
        status, answer = house.run(_raw(house, method, raw))
        assert status in {400, 404}, answer
        assert answer["error_code"] in {"DLF.0803", "APIGW.0101"}


async def _raw(house: House, method: str, path: str) -> tuple[int, dict[str, Any]]:
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"x"}

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"x-auth-token", house.tokens["administrator"].encode())]
    scope = {"type": "http", "method": method, "path": path, "query_string": b"", "headers": headers}
    await house.application(scope, receive, send)
    return sent[0]["status"], json.loads(b"".join(each.get("body", b"") for each in sent[1:]) or b"{}")


def test_an_object_may_be_larger_than_a_body_but_has_a_limit_of_its_own(house: House, bucket: str) -> None:
    assert house.call("PUT", f"/obs/{bucket}/x", content=b"x" * (13 * 1024 * 1024)).status_code == 200
    for content in (b"x" * (OBJECT_LIMIT + 1),):
        reply = house.call("PUT", f"/obs/{bucket}/y", content=content)
        assert (reply.status_code, reply.json()["error_code"]) == (413, "APIGW.0201")
    assert house.call("GET", f"/obs/{bucket}/y").status_code == 404


def test_a_declared_hash_is_held_against_the_body(house: House, refused: Refused, bucket: str) -> None:
    good = {"X-Sdk-Content-Sha256": hashlib.sha256(b"abc").hexdigest()}
    assert house.call("PUT", f"/obs/{bucket}/x", content=b"abc", headers=good).status_code == 200
    refused("DLF.3051", "PUT", f"/obs/{bucket}/x", content=b"abd", headers=good)
    assert house.call("GET", f"/obs/{bucket}/x").content == b"abc"


MAY = {"administrator": "rw", "admin": "rw", "developer": "rw", "operator": "r", "viewer": "r", "deployer": ""}


@pytest.mark.parametrize("role", [*MAY, "stranger"])
def test_roles_are_those_of_resources(house: House, bucket: str, role: str) -> None:
    path = f"/obs/{bucket}/x"
    assert house.call("PUT", path, content=b"1").status_code == 200
    wanted = {"PUT": "w", "GET": "r", "DELETE": "w"}
    for method, right in wanted.items():
        reply = house.call(method, path, role=role, content=b"1" if method == "PUT" else None)
        assert (reply.status_code != 403) is (right in MAY.get(role, "")), (method, reply.text)
    assert (house.call("GET", f"/obs/{bucket}", role=role).status_code != 403) is ("r" in MAY.get(role, ""))


def test_every_route_asks_for_a_right(house: House) -> None:
    for route in ROUTES:
        path = route.path.replace("{bucket}", "nobody").replace("{key:path}", "x")
        assert house.call(route.method, path, role="stranger").status_code == 403
        assert house.call(route.method, path, role=None).status_code == 401


# ---------------------------------------------------------------- over a connection


SIZE = 48 * 1024 * 1024


def pieces() -> Iterator[bytes]:
    for _ in range(SIZE // 65536):
        yield b"x" * 65536


def test_large_objects_pass_through_in_constant_memory(server: RunningServer, bucket: str) -> None:
    url, token = f"{server.url}/obs/{bucket}/big", server.client.headers["X-Auth-Token"]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with httpx2.Client(headers={"X-Auth-Token": token}, timeout=60) as client:
        assert client.put(url, content=pieces()).status_code == 200
        size = 0
        with client.stream("GET", url) as reply:
            for piece in reply.iter_bytes():
                size += len(piece)
    assert size == SIZE
    # Client and server share this process.
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 30_000


def test_signed_calls_stream_with_a_declared_hash(server: RunningServer, bucket: str, tmp_path: Path) -> None:
    auth = SignedRequests(AccessKey(ACCESS_KEY, SECRET_KEY))
    with httpx2.Client(auth=auth, timeout=60) as client:
        url = f"{server.url}/obs/{bucket}"
        assert client.put(f"{url}/a b", content=b"small").status_code == 200
        assert client.get(f"{url}/a b").content == b"small"
        assert [each["key"] for each in client.get(url, params={"prefix": "a"}).json()["objects"]] == ["a b"]
        large = b"x" * (13 * 1024 * 1024)
        refused = client.put(f"{url}/large", content=large)
        assert refused.status_code == 413
        declared = {"X-Sdk-Content-Sha256": hashlib.sha256(large).hexdigest()}
        assert client.put(f"{url}/large", content=large, headers=declared).status_code == 200
        forged = {"X-Sdk-Content-Sha256": hashlib.sha256(b"other").hexdigest()}
        assert client.put(f"{url}/large", content=large, headers=forged).status_code == 401


def test_an_expression_asks_whether_a_path_exists(server: RunningServer, bucket: str, name: str) -> None:
    token = {"X-Auth-Token": server.client.headers["X-Auth-Token"]}
    assert httpx2.put(f"{server.url}/obs/{bucket}/a/b", content=b"1", headers=token).status_code == 200
    asked = [f"obs://{bucket}/a/b", f"obs://{bucket}/a/", f"obs://{bucket}/a/c", "obs://nobody-has-it/"]
    arguments = " ".join(f"#{{OBSUtil.isExistOBSPath('{path}')}}" for path in asked)
    node = shell("n", "echo $*")
    node["properties"].append({"name": "arguments", "value": arguments})
    server.save_job(name, node)
    instance = server.client.post(f"jobs/{name}/run-immediate?wait=30").json()
    assert instance["status"] == "success", instance
    log = server.client.get(f"jobs/{name}/instances/{instance['instanceId']}/nodes/n/log")
    assert log.text == "true true false false\n"
