"""What is a path of the object storage, and what only looks like one."""

from __future__ import annotations

import pytest

from arkwright.objects.paths import ObsPath, PathInvalid, parse


def test_a_path_has_a_bucket_and_a_key() -> None:
    assert parse("obs://my-bucket/a/b.zip") == ObsPath("my-bucket", "a/b.zip")
    assert str(parse("obs://my-bucket/a/b.zip")) == "obs://my-bucket/a/b.zip"
    assert parse("obs://my.bucket").key == parse("obs://my.bucket/").key == ""
    assert parse("obs://bbb/作业/ü x.zip").segments == ["作业", "ü x.zip"]


def test_a_folder_ends_in_a_slash_or_is_the_bucket() -> None:
    assert parse("obs://bbb").is_folder
    assert parse("obs://bbb/a/").is_folder
    assert not parse("obs://bbb/a").is_folder
    assert parse("obs://bbb/a").below("x") == parse("obs://bbb/a/").below("x") == ObsPath("bbb", "a/x")
    assert parse("obs://bbb").below("x") == ObsPath("bbb", "x")


@pytest.mark.parametrize(
    "text",
    [
        None,
        1,
        "",
        "my-bucket/a",
        "/etc/passwd",
        "file:///etc/passwd",
        "s3://bbb/a",
        "obs:///a",
        "obs://ab/a",
        "obs://Bucket/a",
        "obs://a..b/a",
        "obs://.incoming/a",
        "obs://-ab/a",
        "obs://../a",
        "obs://" + "b" * 64 + "/a",
        "obs://bbb/../a",
        "obs://bbb/a/../../b",
        "obs://bbb/./a",
        "obs://bbb//a",
        "obs://bbb/a//b",
        "obs://bbb/a\\..\\b",
        "obs://bbb/a\x00b",
        "obs://bbb/a\nb",
        "obs://bbb/" + "x" * 256,
        "obs://bbb/" + "x/" * 513,
        "obs://bbb/\ud800",
    ],
)
def test_is_refused(text: object) -> None:
    with pytest.raises(PathInvalid):
        parse(text)
