from __future__ import annotations

from tests.architecture import files


def test_no_file_breaks_the_rules_about_files() -> None:
    assert files.faults() == []


def test_a_path_of_a_machine_is_found_and_a_path_of_the_web_is_not() -> None:
    assert files.MACHINE_PATH.search("open('" + "/ho" + "me/anna/data.csv')")
    assert not files.MACHINE_PATH.search("https://example.org/work/a")
    assert not files.MACHINE_PATH.search("src/work/a")
