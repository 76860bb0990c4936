from __future__ import annotations

import pytest

from arkwright.api.byte_range import ByteRange, NotSatisfiable, parse_range
from arkwright.api.v1.logs import whole_text


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        (None, None),
        ("", None),
        ("bytes=0-", ByteRange(0, 10)),
        ("bytes=3-5", ByteRange(3, 6)),
        ("bytes=9-9", ByteRange(9, 10)),
        ("bytes=3-99", ByteRange(3, 10)),
        ("bytes=0-18446744073709551615", ByteRange(0, 10)),
        ("bytes=-4", ByteRange(6, 10)),
        ("bytes=-99", ByteRange(0, 10)),
        ("Bytes = 1 - 2", ByteRange(1, 3)),
        ("bytes=5-3", None),
        ("bytes=-", None),
        ("bytes=0-1,3-4", None),
        ("lines=1-2", None),
        ("nonsense", None),
    ],
)
def test_a_range_of_ten_bytes_is(header: str | None, wanted: ByteRange | None) -> None:
    assert parse_range(header, 10) == wanted


@pytest.mark.parametrize(
    ("header", "size"), [("bytes=10-", 10), ("bytes=99-100", 10), ("bytes=-0", 10), ("bytes=0-", 0)]
)
def test_a_range_outside_of_the_file_can_not_be_satisfied(header: str, size: int) -> None:
    with pytest.raises(NotSatisfiable):
        parse_range(header, size)


def test_a_character_that_is_cut_waits_for_its_rest() -> None:
    for text in ("aü", "a€", "a\U0001f600"):
        data = text.encode()
        for end in range(2, len(data)):
            assert whole_text(data[:end], final=False) == ("a", 1)
        assert whole_text(data, final=False) == (text, len(data))
    assert whole_text("aü".encode()[:2], final=True) == ("a\ufffd", 2)


def test_bytes_that_are_no_text_never_block_the_stream() -> None:
    for data in (b"\xff", b"\x80\x80\x80\x80", b"\xc3(", b"a\xff"):
        text, used = whole_text(data, final=False)
        assert used == len(data)
        assert "\ufffd" in text
