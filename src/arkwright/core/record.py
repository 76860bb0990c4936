"""The base of the core's data: immutable, keyword-only, compact, and storable as JSON.

msgspec structs rather than dataclasses: made several times faster, with tagged unions, so that events and
states are stored and replayed without a translation layer. Nothing here validates; the edges do.

What has its default is not written: a stored instance is half as long. So a default is part of the stored form, and
never changes; a field that needs another one gets another name.
"""

from __future__ import annotations

from msgspec import Struct


class Record(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A value."""


class Tagged(Record, frozen=True, kw_only=True, tag=True, tag_field="kind_"):
    """A value that is one of several; its stored form carries its class name."""
