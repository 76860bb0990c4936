"""The process that becomes `spark-submit`: fetches what the program needs from the object storage, then is replaced.

It is told everything by the hidden text, so that no list of processes and no file holds the storage's keys. Being
replaced, not waited for, the JVM has this process's place: its group, its log, its end.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import msgspec

from arkwright.errors import ArkwrightError
from arkwright.nodes.base import HIDDEN_TEXT
from arkwright.nodes.object_storage import storage
from arkwright.nodes.spark_node import Errand
from arkwright.objects.paths import parse

FAILED = 125
HIDDEN = 3


def main() -> int:
    errand = msgspec.json.decode(Path(HIDDEN_TEXT).read_bytes(), type=Errand)
    try:
        if errand.fetch:
            asyncio.run(_fetch(errand))
    except (ArkwrightError, OSError) as error:
        os.write(1, f"[spark] {error}\n".encode(errors="replace"))
        return FAILED
    os.close(HIDDEN)
    if errand.script is not None:
        _hand_over(errand.script)
    try:
        os.execv(errand.command[0], errand.command)  # noqa: S606 - the node's own program
    except OSError as error:
        os.write(1, f"[spark] {errand.command[0]}: {error.strerror}\n".encode())
        return FAILED


async def _fetch(errand: Errand) -> None:
    objects = storage(errand.storage, drafts="spark")
    for source, target in errand.fetch:
        path = Path(target)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:  # noqa: ASYNC230 - nothing else goes on in this process
            async for piece in objects.read(parse(source)):
                file.write(piece)


def _hand_over(text: bytes) -> None:
    """For the program, under the same number."""
    descriptor = os.memfd_create("script", 0)
    view = memoryview(text)
    while view:
        view = view[os.write(descriptor, view) :]
    os.lseek(descriptor, 0, os.SEEK_SET)
    if descriptor != HIDDEN:
        os.dup2(descriptor, HIDDEN, inheritable=True)
        os.close(descriptor)
    else:
        os.set_inheritable(HIDDEN, True)


if __name__ == "__main__":
    sys.exit(main())
