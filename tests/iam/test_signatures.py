"""SDK-HMAC-SHA256 against the official signer, both ways."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.iam import official
from tests.iam.house import START_MS
from tests.iam.official import ACCESS_KEY, SECRET_KEY, Call, Sent, segment
from tests.iam.signed import CALLS, JSON, check, refused

from arkwright.iam import signatures


@pytest.mark.parametrize("name", list(CALLS))
def test_what_the_official_signer_signed_is_accepted(name: str) -> None:
    assert check(CALLS[name].signed()) == ACCESS_KEY


@pytest.mark.parametrize("name", list(CALLS))
def test_ours_makes_the_signature_that_the_official_signer_makes(name: str) -> None:
    sent = CALLS[name].signed()
    if sent.query and sorted(sent.query.split(b"&")) != sent.query.split(b"&"):
        pytest.skip("the official signer sorted values as numbers; ours never does")
    if b"UNSIGNED-PAYLOAD" in dict(sent.headers).values() and not sent.body:
        pytest.skip("the official signer hashes the empty body although it announces UNSIGNED-PAYLOAD")
    headers = {
        name.decode(): value.decode() for name, value in sent.headers if name not in (b"authorization", b"x-sdk-date")
    }
    added = signatures.sign(
        method=sent.method,
        path=sent.path.decode(),
        query=sent.query.decode(),
        headers=headers,
        body=sent.body,
        access_key=ACCESS_KEY,
        secret_key=SECRET_KEY,
        now_ms=START_MS,
    )
    assert added == {"X-Sdk-Date": official.DATE, "Authorization": sent.authorization.decode()}


@given(
    path=st.text(max_size=20).map(segment),
    query=st.lists(st.tuples(st.text(max_size=8), st.text(max_size=8)), max_size=6),
    body=st.text(max_size=40),
)
def test_any_path_query_and_body_signed_officially_is_accepted(
    path: str, query: list[tuple[str, str]], body: str
) -> None:
    check(Call(method="POST", path=f"/v1/{path}", query=list(query), headers=JSON, body=body).signed())


@given(
    path=st.text(max_size=20).map(segment),
    pairs=st.lists(st.tuples(st.text(max_size=8), st.text(max_size=8)), max_size=6),
    header=st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=20),
    body=st.binary(max_size=40),
)
def test_what_ours_signed_ours_accepts(path: str, pairs: list[tuple[str, str]], header: str, body: bytes) -> None:
    query = "&".join(f"{segment(key)}={segment(value)}" for key, value in pairs)
    headers = {"Host": "arkwright:8990", "Content-Type": "application/json", "workspace": header}
    added = signatures.sign(
        method="POST",
        path=f"/v1/{path}",
        query=query,
        headers=headers,
        body=body,
        access_key=ACCESS_KEY,
        secret_key=SECRET_KEY,
        now_ms=START_MS,
    )
    wire = [(name.lower().encode(), value.encode()) for name, value in {**headers, **added}.items()]
    check(Sent(method="POST", path=f"/v1/{path}".encode(), query=query.encode(), headers=wire, body=body))


def test_ours_needs_a_host_to_sign() -> None:
    with pytest.raises(ValueError, match="Host"):
        signatures.sign(
            method="GET", path="/", query="", headers={}, body=b"", access_key="a", secret_key="s", now_ms=START_MS
        )


# ---------------------------------------------------------------- the other official signers


def go_signed(signature: str, **other: bytes) -> Sent:
    """Vectors published with the official Go signer's tests: it signs neither host nor content type."""
    authorization = f"SDK-HMAC-SHA256 Access=AccessKey, SignedHeaders=x-sdk-date, Signature={signature}"
    return Sent(
        method="GET",
        path=b"/path",
        query=other.get("query", b""),
        headers=[
            (b"host", b"example.huaweicloud.com"),
            (b"x-sdk-date", b"20060102T150405Z"),
            (b"authorization", authorization.encode()),
        ],
        body=b"",
    )


def test_a_signature_of_the_go_signer_passes_where_the_host_need_not_be_signed() -> None:
    sent = go_signed("5a2ce64c865e0e6046321c6f3d5a77ba8413eeaf355c3166c03d58d02ac79624", query=b"limit=1")
    at = 1_136_214_245_000
    assert check(sent, now_ms=at, secret="SecretKey", signed_host=False) == "AccessKey"
    assert "Host" in refused(sent, now_ms=at, secret="SecretKey").message


def test_an_empty_body_beside_unsigned_payload_may_be_signed_by_its_header() -> None:
    sent = CALLS["other type without body"].signed()
    headers = {n.decode(): v.decode() for n, v in sent.headers if n not in (b"authorization", b"x-sdk-date")}
    added = signatures.sign(
        method="POST",
        path=sent.path.decode(),
        query="",
        headers=headers,
        body=b"",
        access_key=ACCESS_KEY,
        secret_key=SECRET_KEY,
        now_ms=START_MS,
    )
    check(replace(sent, headers=sent.with_header(b"authorization", added["Authorization"].encode())))


def test_plus_in_a_query_is_a_space_as_in_forms() -> None:
    sent = Call(query=[("q", "a b")]).signed()
    check(replace(sent, query=b"q=a+b"))


def test_the_order_of_different_keys_on_the_wire_does_not_matter() -> None:
    sent = CALLS["query"].signed()
    check(replace(sent, query=b"offset=0&limit=10"))
    check(replace(sent, query=b"&offset=0&&limit=10&"))


def test_signed_headers_may_be_listed_in_any_order_and_case() -> None:
    """The canonical headers are sorted, the list enters the signature as it is."""
    headers = {"host": "h", "x-sdk-date": official.DATE}
    listed = b"X-Sdk-Date;Host"
    canonical = b"GET\n/\n\nhost:h\nx-sdk-date:20260101T000000Z\n\nX-Sdk-Date;Host\n" + signatures._EMPTY_SHA256
    signature = signatures.signature(SECRET_KEY.encode(), official.DATE.encode(), canonical)
    authorization = b"SDK-HMAC-SHA256 Access=AK, SignedHeaders=%b, Signature=%b" % (listed, signature.encode())
    wire = [(name.encode(), value.encode()) for name, value in headers.items()]
    check(Sent("GET", b"/", b"", [*wire, (b"authorization", authorization)], b""))
