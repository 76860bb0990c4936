"""A container engine that works, and an image of a few programs of this host: nothing is fetched.

By hand: `apt-get install podman` (and `runc` where control groups are of both versions); the image is made by `podman
import` of a folder.
"""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

IMAGE = "localhost/arkwright-test:latest"
PROGRAMS = ("sh", "sleep", "cat", "env", "ls", "tail", "head")
HYBRID = Path("/sys/fs/cgroup/unified")
"""Control groups of both versions side by side, which podman's default runtime does not take."""


@pytest.fixture(scope="session")
def container_image() -> Iterator[str]:
    """Skips where no container can be run."""
    engine = shutil.which("podman")
    if engine is None:
        pytest.skip("podman is not installed (on Debian: apt-get install podman)")
    folder = Path(tempfile.mkdtemp(prefix="ark-container-"))
    conf = folder / "containers.conf"
    runtime = 'runtime = "runc"\n' if HYBRID.exists() and shutil.which("runc") else ""
    conf.write_text(
        '[containers]\nnetns = "host"\ndefault_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]\n'
        f'[engine]\ncgroup_manager = "cgroupfs"\n{runtime}'
    )
    before = os.environ.get("CONTAINERS_CONF")
    os.environ["CONTAINERS_CONF"] = str(conf)
    try:
        archive = folder / "root.tar"
        _write_root(archive)
        made = subprocess.run([engine, "import", str(archive), IMAGE], capture_output=True, text=True)
        if made.returncode == 0:
            made = subprocess.run([engine, "run", "--rm", IMAGE, "/bin/sh", "-c", ":"], capture_output=True, text=True)
        if made.returncode != 0:
            pytest.skip(f"podman can't run a container here: {made.stderr.strip().splitlines()[-1:]}")
        yield IMAGE
        subprocess.run([engine, "rmi", "--force", IMAGE], capture_output=True)
    finally:
        if before is None:
            del os.environ["CONTAINERS_CONF"]
        else:
            os.environ["CONTAINERS_CONF"] = before
        shutil.rmtree(folder, ignore_errors=True)


def _write_root(archive: Path) -> None:
    with tarfile.open(archive, "w") as tar:
        for name in ("bin", "tmp", "proc", "sys", "dev", "etc", "work", "workspace", "arkwright"):
            entry = tarfile.TarInfo(name)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(entry)
        wanted: set[str] = set()
        for name in PROGRAMS:
            path = shutil.which(name)
            assert path is not None
            _add(tar, f"bin/{name}", path)
            said = subprocess.run(["ldd", path], capture_output=True, text=True).stdout
            wanted |= set(re.findall(r"(/\S+) \(0x", said))
        for library in sorted(wanted):
            _add(tar, library.lstrip("/"), library)


def _add(tar: tarfile.TarFile, name: str, source: str) -> None:
    data = Path(source).resolve().read_bytes()
    entry = tarfile.TarInfo(name)
    entry.mode, entry.size = 0o755, len(data)
    tar.addfile(entry, io.BytesIO(data))
