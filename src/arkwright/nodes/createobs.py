"""CreateOBS: makes a folder in the object storage, or a bucket where the storage can make one (rules: `obs_node`)."""

from __future__ import annotations

from arkwright.nodes.base import Succeeded
from arkwright.nodes.obs_node import Logbook, OnePathNode, create, one_path_type
from arkwright.objects.base import Objects
from arkwright.objects.paths import ObsPath


class CreateObs(OnePathNode):
    type = one_path_type(
        "CreateOBS",
        "Create OBS",
        "folder-plus",
        "Makes a folder in the object storage; a bucket in the embedded one.",
        "make_folder",
    )

    async def act_on(self, objects: Objects, path: ObsPath, log: Logbook) -> Succeeded:
        made = await create(objects, path)
        return Succeeded(message=f"{path} is there." if made else f"{path} was there already.")
