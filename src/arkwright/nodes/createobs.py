"""CreateOBS: makes a folder in the object storage, or a bucket where the storage can make one (rules: `obs_node`)."""

from __future__ import annotations

from arkwright.nodes.base import Context, Failed, NodeType, Property, Succeeded, Work
from arkwright.nodes.obs_node import PATH, REPEATED, SERVER, Logbook, ObsNode, create, read_path
from arkwright.objects.base import Objects

SPELLINGS = ("path", "obsPath")
OBS_PATH = Property(name="obsPath", help="Another spelling of path.")


def path_text(context: Context) -> str:
    return next((value for name in SPELLINGS if (value := context.properties.get(name, "").strip())), "")


class CreateObs(ObsNode):
    type = NodeType(
        name="CreateOBS",
        title="Create OBS",
        work=Work.HOSTED,
        summary="Makes a folder in the object storage; a bucket in the embedded one.",
        properties=(PATH, OBS_PATH),
        example={
            "name": "make_folder",
            "type": "CreateOBS",
            "location": {"x": 0, "y": 0},
            "properties": [{"name": "path", "value": "obs://landing/in/"}],
        },
        server=SERVER,
        repeated=REPEATED,
    )

    def check(self, context: Context) -> Failed | None:
        path = read_path(path_text(context))
        return path if isinstance(path, Failed) else None

    async def act(self, objects: Objects, context: Context, log: Logbook) -> Succeeded | Failed:
        path = read_path(path_text(context))
        if isinstance(path, Failed):
            return path
        made = await create(objects, path)
        return Succeeded(message=f"{path} is there." if made else f"{path} was there already.")
