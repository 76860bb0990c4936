"""Settings: what stands in the environment becomes what the setting is declared as."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from arkwright.errors import SettingInvalid
from arkwright.settings import Settings, read_settings, shown, variable_of

TEXTS = {"int": "7", "float": "7", "bool": "true", "Path | None": "/a/b", "frozenset[str]": "api"}
VALUES = {"int": 7, "float": 7.0, "bool": True, "Path | None": Path("/a/b"), "frozenset[str]": frozenset({"api"})}


@pytest.mark.parametrize("setting", fields(Settings), ids=lambda each: each.name)
def test_a_text_becomes_what_the_setting_is_declared_as(setting: object) -> None:
    kind, name = setting.type, setting.name  # type: ignore[attr-defined]
    if kind == "str":
        text = shown(setting.default, secret=False)  # type: ignore[attr-defined]
        assert getattr(read_settings({variable_of(name): text}), name) == text
    else:
        assert getattr(read_settings({variable_of(name): TEXTS[kind]}), name) == VALUES[kind]
        assert getattr(read_settings({}, **{name: TEXTS[kind]}), name) == VALUES[kind]


@pytest.mark.parametrize(
    ("name", "text", "rule"),
    [
        ("port", "x", "ARKWRIGHT_PORT must be a whole number, not 'x'."),
        ("port", "65536", "ARKWRIGHT_PORT is out of range: 65536."),
        ("log_days", "-1", "ARKWRIGHT_LOG_DAYS is out of range: -1."),
        ("lease_seconds", "x", "ARKWRIGHT_LEASE_SECONDS must be a number of seconds, not 'x'."),
        ("lease_seconds", "0.5", "ARKWRIGHT_LEASE_SECONDS must be from 1 to 3600 seconds, not 0.5."),
        ("insecure_http", "maybe", "ARKWRIGHT_INSECURE_HTTP must be true or false, not 'maybe'."),
        ("roles", "api,cook", "ARKWRIGHT_ROLES takes api, engine, scheduler, comma-separated, not 'api,cook'."),
        ("limits", "some", "ARKWRIGHT_LIMITS takes one of open, strict, not 'some'."),
    ],
)
def test_what_is_wrong_is_refused_by_the_name_it_was_given_by(name: str, text: str, rule: str) -> None:
    with pytest.raises(SettingInvalid) as caught:
        read_settings({variable_of(name): text})
    assert str(caught.value).startswith(rule)


def test_no_secret_is_an_option_that_a_list_of_processes_would_show() -> None:
    from arkwright.cli.serve import serve

    options = {each.name for each in serve.params}
    secret = {each.name for each in fields(Settings) if each.metadata["secret"]}
    assert secret & options == {"database_url"}, "which may do without a password"
