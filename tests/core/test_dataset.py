"""Datasets of For Each: every quoted form that the documents and real outputs show, and what is none."""

from __future__ import annotations

import contextlib
import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.examples import some

from arkwright.core.control.dataset import MAX_ROWS, DatasetWrong, read_dataset


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("[['1'],['3'],['2']]", (("1",), ("3",), ("2",))),
        ("[['001'],['002'],['003']]", (("001",), ("002",), ("003",))),
        ('[["00"],["01"]]', (("00",), ("01",))),
        ("[[00],[01]]", (("00",), ("01",))),
        ("[['00'],['01']]", (("00",), ("01",))),
        (r'[["\"00\""],["\"01\""]]', (('"00"',), ('"01"',))),
        (r"[['\'00\''],['\'01\'']]", (("'00'",), ("'01'",))),
        ('[["Dean","08"],["Smith","53"]]', (("Dean", "08"), ("Smith", "53"))),
        ('[["11"]]', (("11",),)),
        ("[[1.50, -2e3 ,true,null]]", (("1.50", "-2e3", "true", None),)),
        ("[['null', null, '']]", (("null", None, ""),)),
        (" [ [ 'a' , \"b\" ] ,\n [ c d ] ]\n", (("a", "b"), ("c d",))),
        ("[]", ()),
        ("[[]]", ((),)),
        ("[[1],[]]", (("1",), ())),
        ("[['a,b'],['[c]'],['it\"s']]", (("a,b",), ("[c]",), ('it"s',))),
        (r'[["line\nbreak\ttab","\\d\d","\u00e4\ud83d\ude00"]]', (("line\nbreak\ttab", r"\d\d", "ä😀"),)),
        ('[[[["x"],["y"]]],[{"a":"}"}]]', (('[["x"],["y"]]',), ('{"a":"}"}',))),
        ("[[2024-01-01,a/b.csv]]", (("2024-01-01", "a/b.csv"),)),
    ],
)
def test_a_dataset_is_read_as_rows_of_texts(text: str, rows: tuple[tuple[str | None, ...], ...]) -> None:
    assert read_dataset(text) == rows


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "is empty"),
        ("  \n", "is empty"),
        ("abc", "at position 0 ('abc'): [ is expected to begin the list of rows"),
        ("['a','b']", "at position 1 (\"'a','b']\"): [ is expected to begin row 0: each row is a list"),
        ("[[1],2]", "row 1"),
        ("[[1],", "at its end: [ is expected to begin row 1"),
        ("[[1,]]", "a value is expected"),
        ("[[1] [2]]", "after the row a comma or ] is expected"),
        ("[['a' 'b']]", "after the value a comma or ] is expected"),
        ("[['a]]", "a text begins with ' and does not end"),
        ("[[{1]]", "{ is never closed"),
        ("[[1]];[[2]]", "nothing may follow"),
        ("done\n[[1]]", "at position 0"),
        ("[[1]" + ",[1]" * MAX_ROWS + "]", "has 1001 rows; a For Each node takes at most 1000"),
    ],
)
def test_what_is_no_dataset_is_refused_with_the_place(text: str, complaint: str) -> None:
    with pytest.raises(DatasetWrong, match=re.escape(complaint)):
        read_dataset(text)


@settings(max_examples=some(200), deadline=None, derandomize=True, database=None)
@given(st.lists(st.lists(st.none() | st.text(max_size=8), max_size=4), max_size=5))
def test_whatever_json_writes_is_read_back(rows: list[list[str | None]]) -> None:
    assert read_dataset(json.dumps(rows)) == tuple(map(tuple, rows))
    assert read_dataset(json.dumps(rows, ensure_ascii=False)) == tuple(map(tuple, rows))


@settings(max_examples=some(300), deadline=None, derandomize=True, database=None)
@given(st.text(alphabet="[]{},'\"\\ a1n\n", max_size=30))
def test_no_text_breaks_the_reader(text: str) -> None:
    rows = ()
    with contextlib.suppress(DatasetWrong):
        rows = read_dataset(text)
    assert all(value is None or isinstance(value, str) for row in rows for value in row)
