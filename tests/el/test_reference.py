"""The reference page names everything that exists."""

from __future__ import annotations

from pathlib import Path

from arkwright.el import ErrorKind
from arkwright.el.functions import BUILT_INS

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "expressions.md").read_text()


def test_every_method_of_string_util_is_listed_with_its_arguments() -> None:
    missing = [
        entry.signature for entry in BUILT_INS["StringUtil"].methods.values() if f"`{entry.signature}`" not in PAGE
    ]
    assert not missing


def test_every_member_of_the_other_objects_is_listed() -> None:
    names = [name for built_in in BUILT_INS.values() if built_in.name != "StringUtil" for name in built_in.member_names]
    assert not [name for name in names if name not in PAGE]


def test_every_error_code_is_listed() -> None:
    assert not [kind.value for kind in ErrorKind if kind.value not in PAGE]
