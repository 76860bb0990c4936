"""Which addresses a node may connect to, and how a RESTAPI node's settings are read."""

from __future__ import annotations

import asyncio
import ipaddress
from typing import Any

import pytest

from arkwright.nodes.base import Failed
from arkwright.nodes.network_fence import AddressRefused, Fence
from arkwright.nodes.restapi_request import RestRequest, read_request

OWN = Fence(own_addresses=frozenset({("127.0.0.1", 8990)}))


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.9.9.9", "::1", "0.0.0.0", "0.1.2.3", "::", "169.254.169.254", "169.254.1.1", "fe80::1",
        "fe80::1%1", "100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::254", "fd20:ce::254", "224.0.0.1",
        "ff02::1", "255.255.255.255", "240.0.0.1", "fec0::1", "::ffff:127.0.0.1", "::ffff:169.254.169.254",
        "::127.0.0.1", "64:ff9b::127.0.0.1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::7f00:1", "2002:7f00:1::1",
        "2002:a9fe:a9fe::", "2001:0:7f00:1::", "2001:db8::5efe:127.0.0.1", "::ffff:0:0",
    ],
)  # fmt: skip
def test_addresses_that_are_refused(address: str) -> None:
    assert OWN.objection(ipaddress.ip_address(address), 80) is not None


@pytest.mark.parametrize(
    "address",
    ["10.1.2.3", "172.16.0.1", "192.168.1.1", "93.184.216.34", "2606:2800:220:1::1", "fd12:3456::1", "100.64.0.1",
     "64:ff9b::93.184.216.34", "::ffff:10.0.0.1", "2002:5db8:d822::1"],
)  # fmt: skip
def test_addresses_that_are_allowed(address: str) -> None:
    assert OWN.objection(ipaddress.ip_address(address), 80) is None


def test_loopback_is_open_at_the_servers_own_address_or_by_setting() -> None:
    loopback = ipaddress.ip_address("127.0.0.1")
    assert OWN.objection(loopback, 8990) is None
    assert OWN.objection(ipaddress.ip_address("::ffff:127.0.0.1"), 8990) is None
    assert OWN.objection(ipaddress.ip_address("127.0.0.2"), 8990) is not None
    # an address around our own one is no way to somewhere else
    assert OWN.objection(ipaddress.ip_address("2001:0:7f00:1::5601:5601"), 8990) is not None
    assert Fence.from_settings({"allow_loopback_requests": True}).objection(loopback, 80) is None
    own_v6 = Fence.from_settings({"own_addresses": [["0:0:0:0:0:0:0:1", 1], ["localhost", 2]]})
    assert own_v6.objection(ipaddress.ip_address("::1"), 1) is None
    assert own_v6.objection(loopback, 2) is not None


def test_private_addresses_are_closed_by_setting() -> None:
    closed = Fence.from_settings({"allow_private_requests": False})
    for text in ("10.1.2.3", "192.168.1.1", "fd12:3456::1", "::ffff:10.0.0.1", "64:ff9b::10.0.0.1"):
        assert closed.objection(ipaddress.ip_address(text), 80) is not None
    assert closed.objection(ipaddress.ip_address("93.184.216.34"), 80) is None


@pytest.mark.parametrize("host", ["localhost", "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "::ffff:7f00:1"])
def test_names_and_odd_spellings_are_judged_by_what_they_resolve_to(host: str) -> None:
    with pytest.raises(AddressRefused, match="loopback"):
        asyncio.run(Fence().resolve(host, 80))


def test_a_refusal_says_where_it_leads_and_which_setting_opens_it() -> None:
    for host, words in (
        ("127.1", "127.1 (127.0.0.1) is a loopback address"),
        ("::1", "::1 is a loopback address"),
        ("::ffff:7f00:1", "unless ARKWRIGHT_ALLOW_LOOPBACK_REQUESTS allows it."),
        ("169.254.169.254", "169.254.169.254 is a link-local address; a node may not connect there."),
    ):
        with pytest.raises(AddressRefused) as refused:
            asyncio.run(Fence().resolve(host, 80))
        assert words in str(refused.value)


def test_a_name_with_good_and_bad_addresses_leads_to_the_good_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene() -> None:
        async def answer(*_: Any, **__: Any) -> list[Any]:
            return [(2, 1, 6, "", (text, 80)) for text in ("127.0.0.1", "10.0.0.1", "169.254.169.254", "10.0.0.1")]

        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", answer, raising=False)
        assert await Fence().resolve("both.example", 80) == ["10.0.0.1"]

    asyncio.run(scene())


# -- settings of the node

GOOD = {"url": "https://example.org/a?b=c", "method": "get"}


@pytest.mark.parametrize(
    ("properties", "part"),
    [
        ({"url": ""}, "no url"),
        ({"url": "ftp://example.org"}, "ftp"),
        ({"url": "file:///etc/passwd"}, "file"),
        ({"url": "http:///x"}, "http:///x"),
        ({"url": "http://example.org:99999/"}, "99999"),
        ({"url": "http://example.org/a b"}, "blanks"),
        ({"url": "http://user:secret@example.org/"}, "Authorization"),
        ({"method": ""}, "method"),
        ({"method": "TRACE"}, "TRACE"),
        ({"agentName": "cdm-1"}, "agentName"),
        ({"clusterName": "c"}, "clusterName"),
        ({"connectionName": "c"}, "connectionName"),
        ({"requestAuth": "IAM"}, "connectionName"),
        ({"authType": "Kerberos"}, "authType"),
        ({"requestMode": "ASYNC"}, "requestMode"),
        ({"urlParams": "a"}, "key=value"),
        ({"extract": "a"}, "name=json.path. For example clusterId=clusters[0].clusterId."),
        ({"checkReturnValue": "YES"}, "propertyPath"),
        ({"checkReturnValue": "YES", "method": "POST"}, "GET alone"),
        ({"checkReturnValue": "perhaps"}, "checkReturnValue"),
        ({"checkReturnValue": "YES", "propertyPath": "a", "successFlag": "1", "failureFlag": "1"}, "both"),
        ({"checkReturnValue": "YES", "propertyPath": "a", "successFlag": "1", "checkInterval": "0"}, "checkInterval"),
        ({"headers": "no separator"}, "no separator"),
        ({"headers": "bad name=x"}, "bad name"),
        ({"headers": "Content-Length=5"}, "Content-Length"),
        ({"headers": '{"a": '}, "JSON"),
        ({"headers": '{"a": "x\\ny"}'}, "line break"),
    ],
)
def test_what_cannot_be_honoured_is_refused_by_name(properties: dict[str, str], part: str) -> None:
    refused = read_request(GOOD | properties)
    assert isinstance(refused, Failed)
    assert refused.message.count(part) == 1
    assert "secret" not in refused.message


def test_headers_are_lines_or_a_json_object() -> None:
    lines = read_request(GOOD | {"headers": "A=1\n\n Authorization = Basic YTpi==\r\n"})
    assert isinstance(lines, RestRequest)
    assert lines.headers == (("A", "1"), ("Authorization", "Basic YTpi=="))
    as_object = read_request(GOOD | {"headers": '{"A": "1", "N": 5}', "authType": "NONE", "connectionName": "local"})
    assert isinstance(as_object, RestRequest)
    assert as_object.headers == (("A", "1"), ("N", "5"))
    assert as_object.method == "GET"
