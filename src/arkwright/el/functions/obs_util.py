"""``OBSUtil``: questions to the object storage. A path ending in "/" means a directory."""

from __future__ import annotations

from typing import Final

from arkwright.el.context import Context
from arkwright.el.functions.signature import BuiltIn, Kind, method, table
from arkwright.el.scope import ObsPathExists


def _is_exist_obs_path(context: Context, path: str) -> bool:
    return bool(context.fact(ObsPathExists(path)))


OBS_UTIL: Final = BuiltIn(
    name="OBSUtil", methods=table(method("isExistOBSPath", Kind.NEEDED_TEXT, run=_is_exist_obs_path))
)
