"""`obs://bucket/key` as a value, and the rules of its two parts.

Rules: what is accepted here can be a file below a folder without climbing out of it, and an object in any
S3-compatible store: no empty, `.` or `..` segment, no control character, no backslash. A key that ends in `/` is a
folder's; an empty key is the bucket itself.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from arkwright.errors import InvalidInput

SCHEME = "obs://"
MAX_KEY_BYTES = 1024
MAX_SEGMENT_BYTES = 255

_BUCKET = re.compile(r"[a-z0-9](?:[a-z0-9-]|\.(?![.-])){1,61}[a-z0-9]")
_FORBIDDEN = re.compile(r"[\x00-\x1f\x7f\\]")


class PathInvalid(InvalidInput):
    """A path of the object storage breaks a rule."""


@dataclass(frozen=True, slots=True)
class ObsPath:
    bucket: str
    key: str = ""

    def __post_init__(self) -> None:
        _check_bucket(self.bucket)
        _check_key(self.key)

    @property
    def is_folder(self) -> bool:
        return not self.key or self.key.endswith("/")

    @property
    def segments(self) -> list[str]:
        return [each for each in self.key.split("/") if each]

    def below(self, name: str) -> ObsPath:
        """The path of that name in this folder, whether or not the folder is written with its last slash."""
        folder = self.key if self.is_folder else f"{self.key}/"
        return ObsPath(self.bucket, folder + name)

    def __str__(self) -> str:
        return f"{SCHEME}{self.bucket}/{self.key}"


def parse(text: object) -> ObsPath:
    """Raises `PathInvalid` for everything that is not `obs://bucket/key` or `obs://bucket`."""
    if not isinstance(text, str) or not text.startswith(SCHEME):
        raise PathInvalid(
            f"{_shown(text)} is no path of the object storage.", field="path", hint="Write obs://bucket/folder/file."
        )
    bucket, _, key = text.removeprefix(SCHEME).partition("/")
    return ObsPath(bucket, key)


def _check_bucket(name: str) -> None:
    if not _BUCKET.fullmatch(name):
        raise PathInvalid(
            f"{_shown(name)} is no name of a bucket.",
            field="bucket",
            hint="It has 3 to 63 lower-case letters, digits, hyphens and single dots.",
        )


def _check_key(key: str) -> None:
    segments = key.removesuffix("/").split("/") if key else []
    try:
        encoded = key.encode()
        longest = max((len(each.encode()) for each in segments), default=0)
    except UnicodeEncodeError:
        raise PathInvalid(f"{_shown(key)} is not valid Unicode.", field="key") from None
    if len(encoded) > MAX_KEY_BYTES or longest > MAX_SEGMENT_BYTES:
        raise PathInvalid(
            f"A key has at most {MAX_KEY_BYTES} bytes, and {MAX_SEGMENT_BYTES} between two slashes.", field="key"
        )
    if _FORBIDDEN.search(key) or any(each in {"", ".", ".."} for each in segments):
        raise PathInvalid(
            f"{_shown(key)} is no key of an object.",
            field="key",
            hint="A key has no empty, . or .. segment, no backslash and no control character.",
        )


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
