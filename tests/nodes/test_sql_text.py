"""A text is taken apart where its engine would take it apart."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arkwright.nodes.sql_session import first_words
from arkwright.nodes.sql_text import SplittingFailed, split


@pytest.mark.parametrize(
    ("dialect", "text", "statements"),
    [
        ("postgres", "select 1; select 2;", ["select 1", "select 2"]),
        ("postgres", "select 'a;b' as \"x;y\"; -- no; end\nselect 2", ["select 'a;b' as \"x;y\"", "select 2"]),
        ("postgres", "select E'it\\'s;'; select 2", ["select E'it\\'s;'", "select 2"]),
        ("postgres", "do $body$ begin; x; end $body$; select 1", ["do $body$ begin; x; end $body$", "select 1"]),
        ("postgres", "/* a /* ; */ ; */ select 1", ["select 1"]),
        ("postgres", "-- nothing\n;;\n/* ; */", []),
        ("mysql", "select 'it\\'s;', `a;b` # ;\n; select 2", ["select 'it\\'s;', `a;b`", "select 2"]),
        (
            "mysql",
            "create procedure p() begin select 1; if 1 then select 2; end if; end; call p()",
            ["create procedure p() begin select 1; if 1 then select 2; end if; end", "call p()"],
        ),
        (
            "mysql",
            "select 0;\nDELIMITER //\ncreate trigger t before insert on a for each row begin set @x = 1; end//\n"
            "delimiter ;\nselect 3",
            [
                "select 0",
                "create trigger t before insert on a for each row begin set @x = 1; end",
                "select 3",
            ],
        ),
        ("hive", "set x=1; select 'a\\';b' from t", ["set x=1", "select 'a\\';b' from t"]),
        ("spark", "select 1; select `a;b` from t", ["select 1", "select `a;b` from t"]),
        ("trino", "select ';' ; select 2", ["select ';'", "select 2"]),
        ("clickhouse", "select 'a\\';' ; select 2", ["select 'a\\';'", "select 2"]),
    ],
)
def test_a_text_is_split_at_its_statements(dialect: str, text: str, statements: list[str]) -> None:
    assert split(text, dialect) == statements


def test_an_open_quote_is_told() -> None:
    with pytest.raises(SplittingFailed):
        split("select 'open; select 2", "postgres")


_pieces = st.sampled_from(["select 1", "select 'a;b'", 'select "x;y"', "insert into t values (';')", "select $$;$$"])
_gaps = st.sampled_from([";", " ; ", ";\n-- ; comment\n", ";/* ; */"])


@given(st.lists(st.tuples(_pieces, _gaps), max_size=8))
def test_statements_that_were_joined_come_apart_again(parts: list[tuple[str, str]]) -> None:
    text = "".join(statement + gap for statement, gap in parts)
    assert split(text, "postgres") == [statement for statement, _ in parts]


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("-- why\n/* more */ ( SELECT 1", ("select", "1")),
        ("CREATE  DATABASE x", ("create", "database", "x")),
        ("", ()),
    ],
)
def test_the_first_words_are_found_behind_comments(statement: str, words: tuple[str, ...]) -> None:
    assert first_words(statement) == words
