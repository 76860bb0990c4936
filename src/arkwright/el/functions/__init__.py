"""The objects that expressions can name, one file each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from arkwright.el.functions.date_util import DATE_UTIL
from arkwright.el.functions.env import ENV
from arkwright.el.functions.job import JOB
from arkwright.el.functions.json_util import JSON_UTIL
from arkwright.el.functions.loop import LOOP
from arkwright.el.functions.obs_util import OBS_UTIL
from arkwright.el.functions.signature import BuiltIn
from arkwright.el.functions.string_util import STRING_UTIL

BUILT_INS: Final[Mapping[str, BuiltIn]] = {
    built_in.name: built_in for built_in in (DATE_UTIL, ENV, JOB, JSON_UTIL, LOOP, OBS_UTIL, STRING_UTIL)
}
