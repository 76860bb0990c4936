"""What the nodes on obs:// paths share: OBSManager, CreateOBS, DeleteOBS.

* An object storage knows no empty folders. A folder that is created holds an empty object `.keep`, and is gone with its
  last object.
* A path that ends in `/`, or names no object but has objects below it, is a folder; a bucket is one, too.
* A move or copy of a folder takes what is in it, with the paths below it, to the target folder; of an object, the
  object. What is there already is replaced. `fileFilter` (`*`, `?`, on the name behind the last slash) picks objects.
* A rename changes the last part of the path.

When it is repeated: before the first object of a move is touched, what is to be moved is on disk (`plan`); after a
crash it goes on with what is left. Creating, copying and deleting are done again, with the same end.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, ClassVar

import msgspec

from arkwright.core.outcome import FailureKind
from arkwright.errors import ArkwrightError
from arkwright.nodes.base import Category, Context, Failed, Log, NodeType, Outcome, Property, Succeeded, Work
from arkwright.nodes.object_storage import storage
from arkwright.objects.base import ObjectInfo, Objects
from arkwright.objects.paths import ObsPath, parse

KEEP = ".keep"
PLAN = "plan"
MOST_OBJECTS = 1_000_000
LOGGED_OBJECTS = 1000

PATH = Property(name="path", help="obs://bucket/folder/ or obs://bucket/folder/object.", required=True)
REPEATED = "Runs again to the same end; a move goes on with what is left."
SERVER = "The installation's own object storage: its folder, or an S3-compatible store."


class ObsNode:
    """Subclasses say their type and what to do."""

    type: ClassVar[NodeType]

    def __init__(self) -> None:
        self._settings: Mapping[str, Any] = {}
        self._objects: Objects | None = None

    def configure(self, settings: Mapping[str, Any]) -> None:
        """As `object_storage.storage` takes them."""
        self._settings = dict(settings)
        self._objects = None

    def host(self, context: Context) -> str:
        return "obs"

    def check(self, context: Context) -> Failed | None:
        raise NotImplementedError

    async def act(self, objects: Objects, context: Context, log: Logbook) -> Succeeded | Failed:
        raise NotImplementedError

    async def run(self, context: Context, log: Log) -> Outcome:
        book = Logbook(log)
        refusal = self.check(context)
        if refusal is not None:
            return refusal
        outcome: Succeeded | Failed
        try:
            if self._objects is None:
                self._objects = storage(self._settings, drafts="nodes")
            outcome = await self.act(self._objects, context, book)
        except ArkwrightError as error:
            outcome = Failed(kind=FailureKind.ERROR, message=str(error))
        if outcome.message:
            book.say(context.scrubbed(outcome.message))
        return outcome

    async def recall(self, context: Context) -> Outcome | None:
        return None  # all of it may be done twice


class OnePathNode(ObsNode):
    """A type whose only setting is a path. Subclasses say what to do with it."""

    def check(self, context: Context) -> Failed | None:
        path = read_path(path_text(context))
        return path if isinstance(path, Failed) else None

    async def act(self, objects: Objects, context: Context, log: Logbook) -> Succeeded | Failed:
        path = read_path(path_text(context))
        return path if isinstance(path, Failed) else await self.act_on(objects, path, log)

    async def act_on(self, objects: Objects, path: ObsPath, log: Logbook) -> Succeeded:
        raise NotImplementedError


def one_path_type(name: str, title: str, icon: str, summary: str, example: str) -> NodeType:
    """`example`: the name of the node in the example."""
    return NodeType(
        name=name,
        title=title,
        work=Work.HOSTED,
        category=Category.STORAGE,
        icon=icon,
        summary=summary,
        properties=(PATH, Property(name="obsPath", help="Another spelling of path.")),
        example={
            "name": example,
            "type": name,
            "location": {"x": 0, "y": 0},
            "properties": [{"name": "path", "value": "obs://landing/in/"}],
        },
        server=SERVER,
        repeated=REPEATED,
    )


def path_text(context: Context) -> str:
    return next((value for name in ("path", "obsPath") if (value := context.properties.get(name, "").strip())), "")


class Logbook:
    """The log, of which a million objects don't make a million lines."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._lines = 0

    def say(self, line: str) -> None:
        self._log(f"{line}\n".encode(errors="replace"))

    def item(self, line: str) -> None:
        self._lines += 1
        if self._lines <= LOGGED_OBJECTS:
            self.say(line)
        elif self._lines == LOGGED_OBJECTS + 1:
            self.say("… and more")


def refused(message: str) -> Failed:
    return Failed(kind=FailureKind.REFUSED, message=message)


def read_path(text: str, name: str = "path") -> ObsPath | Failed:
    """`obs://bucket/key`; also as the console writes a bucket: `//bucket`."""
    text = text.strip()
    if text.startswith("//"):
        text = f"obs:{text}"
    try:
        return parse(text)
    except ArkwrightError as error:
        return refused(f"{name}: {error}")


async def create(objects: Objects, path: ObsPath) -> bool:
    """Make a folder. False: it is there."""
    folder = as_folder(path)
    if folder.key and await objects.exists(folder):
        return False
    if not folder.key and (await objects.exists(folder)) and (await objects.list(folder.bucket, limit=1)).items:
        return False
    await objects.write(folder.below(KEEP), _nothing())
    return True


async def delete(objects: Objects, path: ObsPath, book: Logbook) -> int:
    """Remove the object, or all that is in the folder; how many objects that were."""
    removed = 0
    if not path.is_folder and await objects.delete(path):
        book.item(f"deleted {path}")
        removed += 1
    async for info in below(objects, as_folder(path)):
        if await objects.delete(ObsPath(path.bucket, info.key)):
            book.item(f"deleted obs://{path.bucket}/{info.key}")
            removed += 1
    return removed


async def transfer(
    objects: Objects, pairs: list[tuple[ObsPath, ObsPath]], book: Logbook, *, move: bool
) -> tuple[int, int]:
    """Copy or move one by one; how many objects, and how many bytes. Of a move that was begun before, those that are
    at their target already are left alone."""
    count = size = 0
    for source, target in pairs:
        info = await objects.head(source)
        if info is None:
            if move and await objects.head(target) is not None:
                continue
            raise ArkwrightError(f"{source} is not there any more.")
        written = await objects.write(target, objects.read(source))
        if move:
            await objects.delete(source)
        count, size = count + 1, size + written.size
        book.item(f"{source} → {target} ({written.size:,} bytes)")
    return count, size


async def plan_of(
    objects: Objects, source: ObsPath, target: ObsPath, pattern: str, *, rename: bool
) -> list[tuple[ObsPath, ObsPath]] | Failed:
    """What goes where."""
    if not source.is_folder and await objects.head(source) is not None:
        name = source.segments[-1]
        if pattern and not fnmatchcase(name, pattern):
            return refused(f"{source} does not match the file filter {pattern!r}.")
        place = target if rename else as_folder(target).below(name)
        return [] if place == source else [(source, place)]
    folder, into = as_folder(source), as_folder(target)
    if into.bucket == folder.bucket and into.key.startswith(folder.key) and into != folder:
        return refused(f"The target {target} is inside of the source {source}.")
    pairs = []
    async for info in below(objects, folder):
        rest = info.key.removeprefix(folder.key)
        if not pattern or fnmatchcase(rest.rpartition("/")[2], pattern):
            pairs.append((ObsPath(source.bucket, info.key), into.below(rest)))
        if len(pairs) > MOST_OBJECTS:
            return refused(f"{source} holds more than {MOST_OBJECTS:,} objects, which is too much for one node.")
    return [pair for pair in pairs if pair[0] != pair[1]]


async def below(objects: Objects, folder: ObsPath) -> AsyncIterator[ObjectInfo]:
    after = ""
    while True:
        page = await objects.list(folder.bucket, folder.key, after=after)
        for info in page.items:
            yield info
        if not page.truncated:
            return
        after = page.items[-1].key


def as_folder(path: ObsPath) -> ObsPath:
    return path if path.is_folder else ObsPath(path.bucket, f"{path.key}/")


def keep_plan(folder: Path, pairs: list[tuple[ObsPath, ObsPath]]) -> None:
    """On disk when it returns, whole or not at all."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = folder / f"{PLAN}.draft"
    with draft.open("wb") as file:
        file.write(msgspec.json.encode([[str(source), str(target)] for source, target in pairs]))
        file.flush()
        os.fsync(file.fileno())
    draft.replace(folder / PLAN)


def kept_plan(folder: Path) -> list[tuple[ObsPath, ObsPath]] | None:
    try:
        text = (folder / PLAN).read_bytes()
    except FileNotFoundError:
        return None
    return list(_pairs(msgspec.json.decode(text, type=list[tuple[str, str]])))


def _pairs(texts: list[tuple[str, str]]) -> Iterator[tuple[ObsPath, ObsPath]]:
    for source, target in texts:
        yield parse(source), parse(target)


async def _nothing() -> AsyncIterator[bytes]:
    return
    yield b""
