"""The base of the core's data: immutable, keyword-only, compact, and storable as JSON.

msgspec structs rather than dataclasses: made several times faster, with tagged unions, so that events and
states are stored and replayed without a translation layer. Nothing here validates; the edges do.
"""

from __future__ import annotations

from msgspec import Struct


class Record(Struct, frozen=True, kw_only=True):
    """A value."""


class Tagged(Record, frozen=True, kw_only=True, tag=True, tag_field="kind_"):
    """A value that is one of several; its stored form carries its class name."""
