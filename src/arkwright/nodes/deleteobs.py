"""DeleteOBS: deletes an object, or a folder with all that is in it (rules: `obs_node`). A bucket itself stays."""

from __future__ import annotations

from arkwright.nodes.base import Context, Failed, NodeType, Succeeded, Work
from arkwright.nodes.createobs import OBS_PATH, path_text
from arkwright.nodes.obs_node import PATH, REPEATED, SERVER, Logbook, ObsNode, delete, read_path
from arkwright.objects.base import Objects


class DeleteObs(ObsNode):
    type = NodeType(
        name="DeleteOBS",
        title="Delete OBS",
        work=Work.HOSTED,
        summary="Deletes an object, or a folder and everything in it.",
        properties=(PATH, OBS_PATH),
        example={
            "name": "clear",
            "type": "DeleteOBS",
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
        count = await delete(objects, path, log)
        return Succeeded(message=f"{count:,} objects deleted.", output_row_count=count)
