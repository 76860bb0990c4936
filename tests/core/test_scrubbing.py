"""Secrets are taken out of a stream however it is cut, and nothing else is."""

from __future__ import annotations

import json
import re
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arkwright.core.masking import MASK, hidden, opened, sealed_form, sealed_parts
from arkwright.core.scrubbing import Scrubber, scrub

SECRETS = ["secret", "cretin", "abcab", "secrets of state", "line one of two\nline two of two", 'quo"te\\d']


def said(secrets: list[str], pieces: list[bytes]) -> bytes:
    scrubber = Scrubber(secrets)
    return b"".join([*map(scrubber.feed, pieces), scrubber.end()])


def test_a_secret_is_masked_wherever_it_stands() -> None:
    assert scrub("secret, a secret and secretsecret!", ["secret"]) == f"{MASK}, a {MASK} and {MASK}!"


def test_a_secret_that_straddles_pieces_is_masked_once() -> None:
    for cut in range(len("a secret b") + 1):
        text = b"a secret b"
        assert said(["secret"], [text[:cut], text[cut:]]) == f"a {MASK} b".encode()


def test_what_might_become_a_secret_is_held_back_and_no_more() -> None:
    scrubber = Scrubber(["secret"])
    assert scrubber.feed(b"a sec") == b"a "
    assert scrubber.feed(b"ond") == b"second"
    assert scrubber.feed(b"no") == b"no"
    assert scrubber.feed(b" se") == b" "
    assert scrubber.end() == b"se"


def test_secrets_that_overlap_leave_nothing_of_each_other() -> None:
    assert said(["secret", "cretin"], [b"a secretin b"]) == f"a {MASK} b".encode()
    assert said(["secret", "cretin"], [b"a secret", b"in b"]) == f"a {MASK} b".encode()


def test_the_longer_of_two_secrets_that_begin_alike_is_masked_whole() -> None:
    assert said(["secret", "secrets of state"], [b"secret", b"s of", b" state."]) == f"{MASK}.".encode()
    assert said(["secret", "secrets of state"], [b"secret", b"s of ", b"mine."]) == f"{MASK}s of mine.".encode()


@pytest.mark.parametrize("coded", [lambda text: json.dumps(text)[1:-1], lambda text: quote(text, safe=""), str])
def test_a_secret_in_json_or_in_a_url_is_found(coded: object) -> None:
    assert callable(coded)
    secret = 'tiger "7"/kälte&42'
    assert scrub(f"<{coded(secret)}>", [secret]) == f"<{MASK}>"


def test_the_lines_of_a_long_secret_are_secrets_too() -> None:
    key = "-----BEGIN KEY-----\nMIIEvQIBADANBg\n-----END KEY-----"
    assert scrub("x\nMIIEvQIBADANBg\ny", [key]) == f"x\n{MASK}\ny"


def test_a_short_value_is_left_alone() -> None:
    assert scrub("a 1 b 123", ["1", "123", ""]) == "a 1 b 123"


pieces = st.lists(
    st.sampled_from(["secret", "sec", "ret", "abcab", "abc", "ab", "cretin", " of state", "s", "\n", "x", 'quo"te\\d'])
)


@given(pieces.map("".join), st.lists(st.integers(1, 9), max_size=30))
def test_how_a_text_is_cut_makes_no_difference_and_no_secret_is_left(text: str, sizes: list[int]) -> None:
    data = text.encode()
    cut: list[bytes] = []
    for size in sizes:
        cut.append(data[:size])
        data = data[size:]
    whole = said(SECRETS, [text.encode()])
    assert said(SECRETS, [*cut, data]) == whole
    assert not any(secret.encode() in whole for secret in SECRETS)


@given(st.binary(max_size=200), st.lists(st.integers(1, 20), max_size=10))
def test_a_text_without_secrets_comes_through_as_it_is(data: bytes, sizes: list[int]) -> None:
    cut, rest = [], data
    for size in sizes:
        cut.append(rest[:size])
        rest = rest[size:]
    assert said(["no such secret", "nor this one"], [*cut, rest]) == data


@given(st.text(max_size=30), st.text(max_size=30), st.text(alphabet="abcXYZ019_-", min_size=1, max_size=60))
def test_a_sealed_value_is_found_in_a_text_and_hidden(before: str, after: str, code: str) -> None:
    text = f"{before}{sealed_form(code)}{after}"
    assert sealed_form(code) in sealed_parts(text)
    assert sealed_form(code) not in hidden(text)
    assert re.search("sealed:v1:[A-Za-z0-9_-]+:", opened(text, lambda _: "")) is None or "sealed" in before + after
