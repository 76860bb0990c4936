"""OBSManager: creates, deletes, moves, copies, renames and looks for obs:// paths (rules: `obs_node`)."""

from __future__ import annotations

from arkwright.core.outcome import FailureKind
from arkwright.nodes.base import Category, Context, Failed, NodeType, Property, Succeeded, Work
from arkwright.nodes.obs_node import (
    PATH,
    REPEATED,
    SERVER,
    Logbook,
    ObsNode,
    create,
    delete,
    keep_plan,
    kept_plan,
    plan_of,
    read_path,
    refused,
    transfer,
)
from arkwright.objects.base import Objects
from arkwright.objects.paths import ObsPath

ACTIONS = ("CREATE_PATH", "DELETE_PATH", "MOVE_PATH", "COPY_PATH", "RENAME_PATH", "MONITOR_PATH")
_TARGETS = ("targetPath", "target", "targetDirectory", "destPath", "newPath")
_FILTERS = ("fileFilter", "wildcard", "filter")


class ObsManager(ObsNode):
    type = NodeType(
        name="OBSManager",
        title="OBS Manager",
        work=Work.HOSTED,
        category=Category.STORAGE,
        icon="folders",
        summary="Creates, deletes, moves, copies, renames or looks for files and folders of the object storage.",
        properties=(
            Property(name="action", help="What to do.", required=True, choices=ACTIONS),
            PATH,
            Property(
                name="targetPath",
                help="Where to move or copy to (a folder), or the new path or name of a rename.",
            ),
            Property(name="fileFilter", help="Which objects of a folder to move or copy: *.csv."),
        ),
        example={
            "name": "archive",
            "type": "OBSManager",
            "location": {"x": 0, "y": 0},
            "properties": [
                {"name": "action", "value": "MOVE_PATH"},
                {"name": "path", "value": "obs://landing/in/"},
                {"name": "targetPath", "value": "obs://landing/done/"},
                {"name": "fileFilter", "value": "*.csv"},
            ],
        },
        server=SERVER,
        repeated=REPEATED,
    )

    def check(self, context: Context) -> Failed | None:
        action = _action(context)
        if isinstance(action, Failed):
            return action
        path = read_path(_given(context, ("path", "sourcePath")))
        if isinstance(path, Failed):
            return path
        if action in ("MOVE_PATH", "COPY_PATH", "RENAME_PATH"):
            target = _target(context, path, action)
            return target if isinstance(target, Failed) else None
        return None

    async def act(self, objects: Objects, context: Context, log: Logbook) -> Succeeded | Failed:
        action, path = _action(context), read_path(_given(context, ("path", "sourcePath")))
        assert not isinstance(action, Failed)
        assert not isinstance(path, Failed)
        match action:
            case "CREATE_PATH":
                made = await create(objects, path)
                return Succeeded(message=f"{path} is there." if made else f"{path} was there already.")
            case "DELETE_PATH":
                count = await delete(objects, path, log)
                return Succeeded(message=f"{count:,} objects deleted.", output_row_count=count)
            case "MONITOR_PATH":
                if await objects.exists(path) or await objects.exists(ObsPath(path.bucket, f"{path.key}/")):
                    return Succeeded(message=f"{path} is there.")
                return Failed(kind=FailureKind.ERROR, message=f"{path} is not there.")
        target = _target(context, path, action)
        assert not isinstance(target, Failed)
        move = action != "COPY_PATH"
        pairs = kept_plan(context.folder) if move else None
        if pairs is None:
            found = await plan_of(objects, path, target, _given(context, _FILTERS), rename=action == "RENAME_PATH")
            if isinstance(found, Failed):
                return found
            if not found and not await objects.exists(path) and not await _folder_exists(objects, path):
                return Failed(kind=FailureKind.ERROR, message=f"{path} is not there.")
            pairs = found
            if move:
                keep_plan(context.folder, pairs)
        count, size = await transfer(objects, pairs, log, move=move)
        done = "moved" if move else "copied"
        return Succeeded(message=f"{count:,} objects {done}, {size:,} bytes.", output_row_count=count)


async def _folder_exists(objects: Objects, path: ObsPath) -> bool:
    return path.is_folder or await objects.exists(ObsPath(path.bucket, f"{path.key}/"))


def _given(context: Context, names: tuple[str, ...]) -> str:
    return next((value.strip() for name in names if (value := context.properties.get(name, "")).strip()), "")


def _action(context: Context) -> str | Failed:
    """The console's words count, too: Move File, COPY, monitor."""
    given = context.properties.get("action", "").strip()
    word = given.upper().replace(" ", "_").partition("_")[0]
    found = next((each for each in ACTIONS if each.partition("_")[0] == word), None)
    return found or refused(f"action is {given!r}; it takes {', '.join(ACTIONS)}.")


def _target(context: Context, path: ObsPath, action: str) -> ObsPath | Failed:
    text = _given(context, (*_TARGETS, "newName"))
    if not text:
        return refused(f"There is no targetPath, which {action} needs.")
    if action == "RENAME_PATH" and "/" not in text.removesuffix("/"):  # a name alone
        if not path.key:
            return refused(f"The bucket {path} can't be renamed.")
        parent = "".join(f"{each}/" for each in path.segments[:-1])
        text = f"obs://{path.bucket}/{parent}{text}"
    target = read_path(text, "targetPath")
    if isinstance(target, ObsPath) and action == "RENAME_PATH":
        if not path.key or target.segments[:-1] != path.segments[:-1] or target.bucket != path.bucket:
            return refused("A rename changes the last part of the path alone; to move it, use MOVE_PATH.")
        if path.is_folder is False and target.is_folder:
            return refused("targetPath ends in a slash, and what is renamed is no folder.")
    return target
