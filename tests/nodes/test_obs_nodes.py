"""OBSManager, CreateOBS and DeleteOBS in a real host, on the embedded object storage and on an S3-like one."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.nodes.hosted_kit import HostedStage

from arkwright.core.outcome import Failed, FailureKind, Outcome, Succeeded
from arkwright.nodes.base import AttemptKey, Context
from arkwright.nodes.obs_node import KEEP, PLAN, keep_plan, transfer
from arkwright.nodes.obsmanager import ObsManager
from arkwright.objects.base import Objects
from arkwright.objects.folder import INCOMING, FolderObjects
from arkwright.objects.paths import ObsPath, parse
from arkwright.objects.s3 import S3Objects


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HostedStage]:
    stage = HostedStage(tmp_path_factory.mktemp("obs"))
    yield stage
    stage.close()


@pytest.fixture
def bucket(base: HostedStage, request: pytest.FixtureRequest) -> Path:
    """A bucket of its own; its folder."""
    folder = base.folder / "obs" / f"b{abs(hash(request.node.name)) % 10**8:08}"
    folder.mkdir(parents=True)
    return folder


def put(bucket: Path, *keys: str) -> None:
    for key in keys:
        (bucket / key).parent.mkdir(parents=True, exist_ok=True)
        (bucket / key).write_text(key)


def keys(bucket: Path) -> list[str]:
    return sorted(str(path.relative_to(bucket)) for path in bucket.rglob("*") if path.is_file())


def manage(base: HostedStage, action: str, path: str, target: str = "", **more: str) -> tuple[Outcome, str]:
    outcome, log, _ = base.ask("OBSManager", action=action, path=path, targetPath=target, **more)
    return outcome, log


def test_a_folder_is_created_once_and_is_there_for_expressions(base: HostedStage, bucket: Path) -> None:
    for _ in range(2):
        outcome, log = manage(base, "CREATE_PATH", f"obs://{bucket.name}/in/today")
        assert isinstance(outcome, Succeeded), log
    assert keys(bucket) == [f"in/today/{KEEP}"]
    assert manage(base, "MONITOR_PATH", f"obs://{bucket.name}/in/today/")[0] == Succeeded(
        message=f"obs://{bucket.name}/in/today/ is there."
    )


def test_create_obs_makes_a_bucket_in_the_consoles_spelling(base: HostedStage) -> None:
    outcome, log, _ = base.ask("CreateOBS", obsPath="//made-by-a-node")
    assert isinstance(outcome, Succeeded), log
    assert (base.folder / "obs" / "made-by-a-node").is_dir()


def test_deleting_takes_the_object_or_everything_below(base: HostedStage, bucket: Path) -> None:
    put(bucket, "a/1", "a/b/2", "a/b/c/3", "ab", "z")
    outcome, log, _ = base.ask("DeleteOBS", path=f"obs://{bucket.name}/a")
    assert outcome == Succeeded(message="3 objects deleted.", output_row_count=3), log
    assert keys(bucket) == ["ab", "z"]
    assert manage(base, "DELETE_PATH", f"obs://{bucket.name}/z")[0].message == "1 objects deleted."
    assert manage(base, "DELETE_PATH", f"obs://{bucket.name}/z")[0].message == "0 objects deleted."
    assert keys(bucket) == ["ab"]


def test_a_move_takes_what_the_filter_picks_with_the_paths_below(base: HostedStage, bucket: Path) -> None:
    put(bucket, "in/a.csv", "in/x/b.csv", "in/c.txt", "done/a.csv")
    (bucket / "in/a.csv").write_text("new")
    outcome, log = manage(
        base, "MOVE_PATH", f"obs://{bucket.name}/in/", f"obs://{bucket.name}/done", fileFilter="*.csv"
    )
    assert isinstance(outcome, Succeeded), log
    assert outcome.output_row_count == 2
    assert keys(bucket) == ["done/a.csv", "done/x/b.csv", "in/c.txt"]
    assert (bucket / "done/a.csv").read_text() == "new"
    assert "in/a.csv → " in log


def test_a_copy_leaves_the_source_and_goes_to_other_buckets(base: HostedStage, bucket: Path) -> None:
    put(bucket, "in/a.csv")
    outcome, log = manage(base, "Copy File", f"obs://{bucket.name}/in/a.csv", "obs://copies-of-nodes/x/")
    assert isinstance(outcome, Succeeded), log
    assert (base.folder / "obs/copies-of-nodes/x/a.csv").read_text() == "in/a.csv"
    assert keys(bucket) == ["in/a.csv"]


@pytest.mark.parametrize(
    ("path", "target", "after"),
    [
        ("a/b/hello.txt", "bye.txt", ["a/b/bye.txt", "a/c/x"]),
        ("a/b/hello.txt", "obs://{}/a/b/bye.txt", ["a/b/bye.txt", "a/c/x"]),
        ("a/c/", "obs://{}/a/d/", ["a/b/hello.txt", "a/d/x"]),
        ("a/c", "d", ["a/b/hello.txt", "a/d/x"]),
    ],
)
def test_a_rename_changes_the_last_part(
    base: HostedStage, bucket: Path, path: str, target: str, after: list[str]
) -> None:
    put(bucket, "a/b/hello.txt", "a/c/x")
    outcome, log = manage(base, "RENAME_PATH", f"obs://{bucket.name}/{path}", target.format(bucket.name))
    assert isinstance(outcome, Succeeded), (outcome, log)
    assert keys(bucket) == after


@pytest.mark.parametrize(
    ("properties", "kind", "part"),
    [
        ({"action": "BURN", "path": "obs://abc/a"}, FailureKind.REFUSED, "CREATE_PATH"),
        ({"action": "MOVE_PATH", "path": "obs://abc/a"}, FailureKind.REFUSED, "targetPath"),
        ({"action": "CREATE_PATH", "path": "/tmp/a"}, FailureKind.REFUSED, "obs://"),
        ({"action": "CREATE_PATH", "path": "obs://abc/../a"}, FailureKind.REFUSED, "segment"),
        (
            {"action": "RENAME_PATH", "path": "obs://abc/a/b", "targetPath": "obs://abc/c/b"},
            FailureKind.REFUSED,
            "MOVE",
        ),
        ({"action": "MOVE_PATH", "path": "obs://abc/a/", "targetPath": "obs://abc/a/b"}, FailureKind.REFUSED, "inside"),
        (
            {"action": "MOVE_PATH", "path": "obs://nobucket/a", "targetPath": "obs://abc/a"},
            FailureKind.ERROR,
            "nobucket",
        ),
        ({"action": "MONITOR_PATH", "path": "obs://nobucket/a"}, FailureKind.ERROR, "not there"),
    ],
)
def test_what_cannot_be_done_is_named(
    base: HostedStage, properties: dict[str, str], kind: FailureKind, part: str
) -> None:
    (base.folder / "obs" / "abc").mkdir(exist_ok=True, parents=True)
    outcome, _, _ = base.ask("OBSManager", **properties)
    assert isinstance(outcome, Failed)
    assert outcome.kind is kind, outcome
    assert part in outcome.message


def storages(folder: Path) -> list[Objects]:
    from obstore.store import MemoryStore

    stores: dict[str, MemoryStore] = {}
    return [FolderObjects(folder / "obs"), S3Objects(lambda name: stores.setdefault(name, MemoryStore()))]


class _Dies(Exception):
    pass


class _Faulty:
    """A storage whose process is killed at its n-th change."""

    def __init__(self, real: Objects, at: int) -> None:
        self._real, self._left = real, at

    def __getattr__(self, name: str) -> object:
        return getattr(self._real, name)

    async def write(self, *given: object) -> object:
        self._count()
        return await self._real.write(*given)  # type: ignore[arg-type]

    async def delete(self, path: ObsPath) -> bool:
        self._count()
        return await self._real.delete(path)

    def _count(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise _Dies


@pytest.mark.parametrize("which", [0, 1], ids=["folder", "s3"])
@pytest.mark.parametrize("at", range(7))
def test_a_move_that_was_killed_anywhere_goes_on_and_loses_nothing(tmp_path: Path, which: int, at: int) -> None:
    real = storages(tmp_path)[which]

    async def content(text: bytes):  # type: ignore[no-untyped-def]
        yield text

    async def scene() -> None:
        for name in ("1", "2", "3"):
            await real.write(parse(f"obs://abc/in/{name}"), content(name.encode()))
        node = ObsManager()
        context = Context(
            key=AttemptKey(instance_id=1, node=0, attempt=1),
            project_id="p",
            workspace_id="w",
            job_name="j",
            node_name="n",
            properties={"action": "MOVE_PATH", "path": "obs://abc/in/", "targetPath": "obs://abc/out/"},
            folder=tmp_path / "attempt",
            workspace_folder=tmp_path,
        )
        node._objects = _Faulty(real, at)  # type: ignore[assignment]
        first: Outcome | None = None
        try:
            first = await node.run(context, lambda _: None)
        except _Dies:
            assert await node.recall(context) is None
            node._objects = real
            first = await node.run(context, lambda _: None)
        assert isinstance(first, Succeeded), first
        left = [each.key for each in (await real.list("abc")).items]
        assert left == ["out/1", "out/2", "out/3"]
        for name in ("1", "2", "3"):
            assert b"".join([part async for part in real.read(parse(f"obs://abc/out/{name}"))]) == name.encode()

    asyncio.run(scene())
    assert (tmp_path / "attempt" / PLAN).exists()


def test_a_move_tells_of_an_object_that_somebody_else_removed(tmp_path: Path) -> None:
    from arkwright.errors import ArkwrightError
    from arkwright.nodes.obs_node import Logbook

    pairs = [(parse("obs://abc/a"), parse("obs://abc/b"))]
    keep_plan(tmp_path / "attempt", pairs)
    with pytest.raises(ArkwrightError, match="not there any more"):
        asyncio.run(transfer(FolderObjects(tmp_path / "obs"), pairs, Logbook(lambda _: None), move=True))


def test_the_drafts_of_the_server_and_of_nodes_live_side_by_side(tmp_path: Path) -> None:
    drafts = tmp_path / INCOMING
    drafts.mkdir()
    (drafts / "server-1").touch()
    (drafts / "nodes-1").touch()
    (drafts / "older").touch()
    FolderObjects(tmp_path, drafts="nodes")
    assert sorted(path.name for path in drafts.iterdir()) == ["server-1"]


def test_the_storages_secret_is_in_no_argument_and_no_file(tmp_path: Path) -> None:
    stage = HostedStage(tmp_path)
    stage.secrets = {"s3_access_key": "AKIA", "s3_secret_key": "Storage-Secret-9"}
    try:
        assert isinstance(stage.ask("CreateOBS", path="obs://abc/in/")[0], Succeeded)
        command = Path(f"/proc/{stage.pid('obs')}/cmdline").read_bytes()
        assert b"objects_folder" in command
        assert b"Storage-Secret-9" not in command
        assert b"Storage-Secret-9" not in Path(f"/proc/{stage.pid('obs')}/environ").read_bytes()
        for path in tmp_path.rglob("*"):
            assert not path.is_file() or b"Storage-Secret-9" not in path.read_bytes(), path
    finally:
        stage.close()
