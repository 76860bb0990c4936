"""A real Flink session cluster (libraries from PyPI's `apache-flink-libraries`) on free ports of the loopback, one per
test process, and a jar to run on it, compiled here.

The package brings no start scripts: the two processes of a cluster are started by their main classes.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.servers.java import compiled
from tests.servers.process import free_ports
from tests.servers.spark import QUICK

START_SECONDS = 300.0
SOURCE = Path(__file__).parent / "flink_job" / "Tested.java"
_OPENED = (
    *("lang", "lang.reflect", "util", "util.concurrent", "util.concurrent.atomic", "net", "nio", "time", "text", "io"),
    "util.concurrent.locks",
)
JAVA = [*QUICK, "--add-exports=java.base/sun.net.util=ALL-UNNAMED"]
JAVA += [f"--add-opens=java.base/java.{each}=ALL-UNNAMED" for each in _OPENED]
JAVA += ["--add-opens=java.base/sun.nio.ch=ALL-UNNAMED"]
MEGABYTE = 1024 * 1024
MANAGER = {
    "jobmanager.memory.heap.size": 256,
    "jobmanager.memory.off-heap.size": 128,
    "jobmanager.memory.jvm-metaspace.size": 128,
    "jobmanager.memory.jvm-overhead.min": 64,
    "jobmanager.memory.jvm-overhead.max": 192,
}
WORKER = {
    "taskmanager.memory.network.min": 32,
    "taskmanager.memory.network.max": 32,
    "taskmanager.memory.task.off-heap.size": 0,
    "taskmanager.memory.task.heap.size": 128,
    "taskmanager.memory.framework.heap.size": 64,
    "taskmanager.memory.framework.off-heap.size": 64,
    "taskmanager.memory.managed.size": 64,
    "taskmanager.memory.jvm-metaspace.size": 128,
    "taskmanager.memory.jvm-overhead.min": 64,
    "taskmanager.memory.jvm-overhead.max": 64,
}
"""Megabytes: what Flink's start scripts would work out."""


@dataclass(frozen=True)
class FlinkCluster:
    port: int
    jar: bytes
    """Runs `batch N`, `stream`, `fail N` or `refuse`."""

    def ask(self, path: str) -> Any:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/v1{path}", timeout=10) as answer:
            return json.load(answer)

    def running(self) -> list[str]:
        ended = {"FINISHED", "FAILED", "CANCELED"}
        return [job["jid"] for job in self.ask("/jobs/overview")["jobs"] if job["state"] not in ended]

    def jars(self) -> list[str]:
        return [each["id"] for each in self.ask("/jars")["files"]]


@pytest.fixture(scope="session")
def flink() -> Iterator[FlinkCluster]:
    found = importlib.util.find_spec("pyflink")
    home = Path(next(iter(found.submodule_search_locations or [""]))) if found is not None else Path()
    java = shutil.which("java")
    if not (home / "lib").is_dir():
        pytest.skip("Flink is not installed (pip install --no-deps apache-flink-libraries)")
    if java is None:
        pytest.skip("there is no Java (on Debian: apt-get install default-jdk-headless)")
    jar = compiled(SOURCE, home / "lib")
    folder = Path(tempfile.mkdtemp(prefix="ark-flink-"))
    processes: list[subprocess.Popen[bytes]] = []
    try:
        rest, rpc = free_ports(2)
        (folder / "config.yaml").write_text(
            f"""jobmanager: {{bind-host: 127.0.0.1, rpc: {{address: 127.0.0.1, port: {rpc}}}}}
taskmanager: {{bind-host: 127.0.0.1, host: 127.0.0.1, numberOfTaskSlots: 4, cpu: {{cores: 2.0}}}}
rest: {{address: 127.0.0.1, bind-address: 127.0.0.1, port: {rest}}}
io: {{tmp: {{dirs: {folder}/tmp}}}}
external-resources: none
"""
        )
        entries = {
            "org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint": MANAGER,
            "org.apache.flink.runtime.taskexecutor.TaskManagerRunner": WORKER,
        }
        cluster = FlinkCluster(rest, jar)
        for entry, sizes in entries.items():  # one after the other: each has seconds alone to find itself
            given = [part for name, size in sizes.items() for part in ("-D", f"{name}={size * MEGABYTE}b")]
            log = (folder / f"{entry.rpartition('.')[2]}.log").open("wb")
            with log:
                processes.append(
                    subprocess.Popen(
                        [java, "-Xmx320m", *JAVA, "-cp", f"{home}/lib/*", entry, "--configDir", str(folder), *given],
                        stdout=log,
                        stderr=log,
                        env={**os.environ, "FLINK_LIB_DIR": f"{home}/lib"},
                    )
                )
            _wait(cluster, processes, folder, "slots-available" if sizes is WORKER else "flink-version")
        yield cluster
    finally:
        for process in processes:
            process.kill()
            process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _wait(cluster: FlinkCluster, processes: list[subprocess.Popen[bytes]], folder: Path, wanted: str) -> None:
    """Until that is in its overview: a cluster tells nobody when it is there, or has room for tasks."""
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        logs = "\n".join(path.read_text()[-4000:] for path in folder.glob("*.log"))
        assert all(process.poll() is None for process in processes), logs
        try:
            if cluster.ask("/overview").get(wanted):
                return
        except (OSError, ValueError):
            pass
        time.sleep(0.2)
    raise AssertionError(logs)
