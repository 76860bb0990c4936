"""The reference page: public, and with everything in it."""

from __future__ import annotations

import base64
import hashlib
import re

from tests.api.house import House

from arkwright.api.routes import ROUTES


def test_the_page_is_public_and_needs_no_other_site(house: House) -> None:
    reply = house.call("GET", "/docs", role=None)
    assert reply.status_code == 200
    assert reply.headers["Content-Type"] == "text/html; charset=utf-8"
    named = re.findall(r"""\b(?:src|href)="([^"]+)"|\bfetch\("([^"]+)"\)|\burl\(([^)]+)\)""", reply.text)
    addresses = {next(filter(None, each)) for each in named}
    assert {each for each in addresses if not each.startswith(("#", "data:"))} == {"openapi.json"}
    assert "https://" not in reply.text
    assert "http://" not in reply.text


def test_the_browser_may_run_what_stands_in_the_page_and_nothing_else(house: House) -> None:
    reply = house.call("GET", "/docs", role=None)
    policy = reply.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    for kind in ("script", "style"):
        [inside] = re.findall(rf"<{kind}>(.*?)</{kind}>", reply.text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(inside.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy
    assert not re.search(r"\son\w+=|\sstyle=", reply.text), "attributes that the policy would not let act"


def test_the_page_reads_the_document_that_has_every_operation(house: House) -> None:
    document = house.call("GET", "/openapi.json", role=None).json()
    listed = {operation["operationId"] for path in document["paths"].values() for operation in path.values()}
    assert listed == {route.operation for route in ROUTES}
    groups = {tag["name"] for tag in document["tags"]}
    assert {operation["tags"][0] for path in document["paths"].values() for operation in path.values()} == groups
