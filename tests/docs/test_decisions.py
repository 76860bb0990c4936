"""Decisions are found by their number."""

from __future__ import annotations

from tests.architecture.files import TOP


def test_each_decision_has_a_number_of_its_own_which_its_title_bears() -> None:
    pages = sorted((TOP / "docs" / "decisions").glob("*.md"))
    assert [int(page.name[:4]) for page in pages] == list(range(1, len(pages) + 1))
    for page in pages:
        assert page.read_text(encoding="utf-8").startswith(f"# {page.name[:4]}: "), page.name
