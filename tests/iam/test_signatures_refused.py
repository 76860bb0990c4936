"""What must not pass as a signature: anything changed on the way, other times, other algorithms, garbage."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.iam import official
from tests.iam.house import START_MS
from tests.iam.official import ACCESS_KEY, SECRET_KEY, Sent, Signer
from tests.iam.signed import CALLS, POST, check, refused

from arkwright.errors import Unauthenticated
from arkwright.iam import signatures


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("method", "PUT"),
        ("path", POST.path.replace("run-immediate", "stop").encode()),
        ("path", POST.path.upper().encode()),
        ("path", POST.path.replace("%2F", "%252F").encode()),
        ("path", POST.path.encode() + b"/x"),
        ("query", b"wait=6&x="),
        ("query", b"wait=5"),
        ("query", b"wait=5&x=&x="),
        ("query", b"wait=5&X="),
        ("query", b""),
        ("body", b'{"jobParams":[ ]}'),
        ("body", b""),
    ],
)
def test_a_changed_part_is_refused(part: str, value: Any) -> None:
    sent = POST.signed()
    check(sent)
    assert "does not match" in refused(replace(sent, **{part: value})).message


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (b"host", b"127.0.0.1:8991"),
        (b"workspace", b"w2"),
        (b"workspace", b""),
        (b"content-type", b"application/json"),
        (b"x-sdk-date", b"20260101T000001Z"),
    ],
)
def test_a_changed_signed_header_is_refused(name: bytes, value: bytes) -> None:
    sent = POST.signed()
    assert "does not match" in refused(replace(sent, headers=sent.with_header(name, value))).message


@pytest.mark.parametrize("name", [b"host", b"workspace", b"content-type", b"x-sdk-date"])
def test_a_missing_or_doubled_signed_header_is_refused_by_name(name: bytes) -> None:
    sent = POST.signed()
    assert name.decode() in refused(replace(sent, headers=sent.without(name))).message
    value = dict(sent.headers)[name]
    assert name.decode() in refused(replace(sent, headers=[*sent.headers, (name, value)])).message


def test_headers_that_are_not_signed_do_not_matter() -> None:
    sent = POST.signed()
    check(replace(sent, headers=[*sent.headers, (b"x-forwarded-for", b"1"), (b"x-forwarded-for", b"2")]))


def test_another_secret_key_or_access_key_or_signature_is_refused() -> None:
    sent = POST.signed()
    refused(sent, secret=SECRET_KEY + "x")
    good = sent.authorization
    flipped = good[:-1] + (b"0" if good[-1:] != b"0" else b"1")
    refused(replace(sent, headers=sent.with_header(b"authorization", flipped)))
    shorter_list = good.replace(b";workspace", b"")
    refused(replace(sent, headers=sent.with_header(b"authorization", shorter_list)))
    check(replace(sent, headers=sent.with_header(b"authorization", good[:-64] + good[-64:].upper())))


@pytest.mark.parametrize("dropped", ["host", "x-sdk-date"])
def test_host_and_date_must_be_signed(dropped: str) -> None:
    sent = POST.signed()
    listed = b";".join(n for n in sorted(n for n, _ in sent.headers) if n not in (b"authorization", dropped.encode()))
    authorization = b"SDK-HMAC-SHA256 Access=AK, SignedHeaders=%b, Signature=%b" % (listed, b"0" * 64)
    error = refused(replace(sent, headers=sent.with_header(b"authorization", authorization)))
    assert dropped in error.message.lower()


# ---------------------------------------------------------------- the body's hash


def test_a_given_hash_must_be_that_of_the_body() -> None:
    sent = CALLS["hash given"].signed()
    error = refused(replace(sent, body=b'{"a":2}'))
    assert "X-Sdk-Content-Sha256" in error.message
    refused(replace(sent, body=b""))


@pytest.mark.parametrize("content_type", [None, "application/json", "Application/JSON; x", "application/x+json", ""])
def test_unsigned_payload_is_refused_for_json_and_without_a_type(content_type: str | None) -> None:
    headers = {"Host": "h", "X-Sdk-Content-Sha256": "UNSIGNED-PAYLOAD"}
    if content_type is not None:
        headers["Content-Type"] = content_type
    added = signatures.sign(
        method="POST",
        path="/",
        query="",
        headers=headers,
        body=b"{}",
        access_key=ACCESS_KEY,
        secret_key=SECRET_KEY,
        now_ms=START_MS,
    )
    wire = [(name.lower().encode(), value.encode()) for name, value in {**headers, **added}.items()]
    assert "UNSIGNED-PAYLOAD" in refused(Sent("POST", b"/", b"", wire, b"{}")).message


def test_an_intercepted_upload_can_not_be_sent_again_as_json() -> None:
    """The Java and Go signers leave the content type of uploads unsigned."""
    headers = {"Host": "h", "X-Sdk-Content-Sha256": "UNSIGNED-PAYLOAD"}
    added = signatures.sign(
        method="POST",
        path="/",
        query="",
        headers=headers,
        body=b"file",
        access_key=ACCESS_KEY,
        secret_key=SECRET_KEY,
        now_ms=START_MS,
    )
    wire = [(name.lower().encode(), value.encode()) for name, value in {**headers, **added}.items()]
    upload = Sent("POST", b"/", b"", [*wire, (b"content-type", b"application/octet-stream")], b"file")
    check(upload)
    refused(replace(upload, headers=upload.with_header(b"content-type", b"application/json"), body=b"{}"))
    refused(replace(upload, headers=upload.without(b"content-type"), body=b"{}"))
    refused(replace(upload, headers=[*upload.headers, (b"content-type", b"application/json")], body=b"{}"))


# ---------------------------------------------------------------- time


@pytest.mark.parametrize("off_ms", [0, 1, signatures.SKEW_MS, -signatures.SKEW_MS])
def test_a_clock_up_to_15_minutes_off_is_accepted(off_ms: int) -> None:
    check(POST.signed(), now_ms=START_MS + off_ms)


@pytest.mark.parametrize("off_ms", [signatures.SKEW_MS + 1, -signatures.SKEW_MS - 1, 10**12, -(10**12)])
def test_a_clock_further_off_is_refused_with_both_times(off_ms: int) -> None:
    error = refused(POST.signed(), now_ms=START_MS + off_ms)
    assert "15 minutes" in error.message
    assert official.DATE in error.message


@pytest.mark.parametrize(
    "date",
    [
        b"",
        b"now",
        b"2026-01-01T00:00:00Z",
        b"20260101T000000",
        b"20261301T000000Z",
        b"20260230T000000Z",
        b"20260101T240000Z",
        b"20260101T000060Z",
        b"00000101T000000Z",
        b"99991231T235959Z",
        "２０２６０１０１T000000Z".encode(),
        b"20260101T000000Z\n",
    ],
)
def test_a_date_of_another_form_is_refused(date: bytes) -> None:
    sent = POST.signed()
    refused(replace(sent, headers=sent.with_header(b"x-sdk-date", date.rstrip(b"\n") + b"x" * date.count(b"\n"))))


# ---------------------------------------------------------------- other algorithms and garbage


@pytest.mark.parametrize(
    ("signer", "name"),
    [
        (official.SM3Signer, "SDK-HMAC-SM3"),
        (official.DerivationAKSKSigner, "V11-HMAC-SHA256"),
        (official.P256SHA256Signer, "SDK-ECDSA-P256-SHA256"),
        (official.SM2SM3Signer, "SDK-SM2-SM3"),
    ],
)
def test_other_official_algorithms_are_refused_by_name(signer: type[Signer], name: str) -> None:
    error = refused(POST.signed(signer))
    assert name in error.message
    assert "SDK-HMAC-SHA256" in error.hint


@pytest.mark.parametrize(
    "authorization",
    [
        b"",
        b" ",
        b"Basic YTpi",
        b"Bearer x",
        b"SDK-HMAC-SHA256",
        b"SDK-HMAC-SHA256 ",
        b"SDK-HMAC-SHA256 Access=, SignedHeaders=host, Signature=" + b"0" * 64,
        b"SDK-HMAC-SHA256 Access=a, SignedHeaders=, Signature=" + b"0" * 64,
        b"SDK-HMAC-SHA256 Access=a, SignedHeaders=host;x-sdk-date, Signature=" + b"0" * 63,
        b"SDK-HMAC-SHA256 Access=a, SignedHeaders=host;x-sdk-date, Signature=" + b"g" * 64,
        b"SDK-HMAC-SHA256 Access=a, SignedHeaders=host;x-sdk-date, Signature=" + b"0" * 64 + b", x=y",
        b"SDK-HMAC-SHA256 Access=a, SignedHeaders=host;;x-sdk-date, Signature=" + b"0" * 64,
        b"SDK-HMAC-SHA256 Access=a, SignedHeaders=host;host;x-sdk-date, Signature=" + b"0" * 64,
        b"SDK-HMAC-SHA256 Access=a, SignedHeaders=\xff;x-sdk-date, Signature=" + b"0" * 64,
        b"\xff\xfe",
    ],
)
def test_a_header_of_another_form_is_refused(authorization: bytes) -> None:
    sent = POST.signed()
    error = refused(replace(sent, headers=sent.with_header(b"authorization", authorization)))
    assert error.message


def test_the_error_does_not_give_the_secret_or_the_expected_signature_away() -> None:
    sent = POST.signed()
    good = sent.authorization[-64:].decode()
    error = refused(replace(sent, headers=sent.with_header(b"authorization", sent.authorization[:-64] + b"0" * 64)))
    assert good not in str(error)
    assert SECRET_KEY not in str(error)


_VALUE = st.one_of(
    st.binary(max_size=60),
    st.from_regex(
        rb"SDK-HMAC-SHA256 Access=[^,]*, ?SignedHeaders=[^,]*, ?Signature=[0-9a-fA-F]{60,66}", fullmatch=True
    ),
    st.builds(
        lambda names: b"SDK-HMAC-SHA256 Access=a, SignedHeaders=%b, Signature=%b" % (b";".join(names), b"a" * 64),
        st.lists(st.sampled_from([b"host", b"x-sdk-date", b"Host", b"", b"a", b"\xff", b"content-type"]), max_size=4),
    ),
)


@given(
    authorization=_VALUE,
    headers=st.lists(
        st.tuples(
            st.sampled_from([b"host", b"x-sdk-date", b"a", b"content-type", b"x-sdk-content-sha256"]),
            st.one_of(
                st.binary(max_size=20),
                st.sampled_from([b"20260101T000000Z", b"UNSIGNED-PAYLOAD", b"text/plain", b"99999999T999999Z"]),
            ),
        ),
        max_size=6,
    ),
    method=st.text(max_size=5),
    path=st.binary(max_size=20),
    query=st.binary(max_size=20),
)
def test_garbage_is_never_anything_but_unauthenticated(
    authorization: bytes, headers: list[tuple[bytes, bytes]], method: str, path: bytes, query: bytes
) -> None:
    with pytest.raises(Unauthenticated):
        signatures.parse(authorization, headers, now_ms=START_MS).verify(
            b"secret", method=method, path=path, query=query, body_sha256=signatures.sha256_hex(b"")
        )
