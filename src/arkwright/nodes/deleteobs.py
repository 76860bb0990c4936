"""DeleteOBS: deletes an object, or a folder with all that is in it (rules: `obs_node`). A bucket itself stays."""

from __future__ import annotations

from arkwright.nodes.base import Succeeded
from arkwright.nodes.obs_node import Logbook, OnePathNode, delete, one_path_type
from arkwright.objects.base import Objects
from arkwright.objects.paths import ObsPath


class DeleteObs(OnePathNode):
    type = one_path_type(
        "DeleteOBS", "Delete OBS", "folder-minus", "Deletes an object, or a folder and everything in it.", "clear"
    )

    async def act_on(self, objects: Objects, path: ObsPath, log: Logbook) -> Succeeded:
        count = await delete(objects, path, log)
        return Succeeded(message=f"{count:,} objects deleted.", output_row_count=count)
