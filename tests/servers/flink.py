"""A real Flink session cluster (libraries from PyPI's `apache-flink-libraries`) on free ports of the loopback, one per
test process, and a jar to run on it, compiled here.

The package brings no start scripts: the two processes of a cluster are started by their main classes.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.request
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

START_SECONDS = 90.0
SOURCE = Path(__file__).parent / "flink_job" / "Tested.java"
_OPENED = (
    *("lang", "lang.reflect", "util", "util.concurrent", "util.concurrent.atomic", "net", "nio", "time", "text", "io"),
    "util.concurrent.locks",
)
JAVA = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "--add-exports=java.base/sun.net.util=ALL-UNNAMED"]
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
    java, compiler = shutil.which("java"), shutil.which("javac")
    if not (home / "lib").is_dir():
        pytest.skip("Flink is not installed (pip install --no-deps apache-flink-libraries)")
    if java is None or compiler is None:
        pytest.skip("a Java compiler is not installed (on Debian: apt-get install default-jdk-headless)")
    folder = Path(tempfile.mkdtemp(prefix="ark-flink-"))
    processes: list[subprocess.Popen[bytes]] = []
    try:
        rest, rpc = _free(2)
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
        for entry, sizes in entries.items():
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
        cluster = FlinkCluster(rest, _jar(compiler, home, folder))
        _wait(cluster, processes, folder)
        yield cluster
    finally:
        for process in processes:
            process.kill()
            process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _jar(compiler: str, home: Path, folder: Path) -> bytes:
    made = subprocess.run(
        [compiler, "-cp", f"{home}/lib/*", "-d", str(folder), str(SOURCE)], capture_output=True, text=True
    )
    assert made.returncode == 0, made.stderr
    with zipfile.ZipFile(folder / "tested.jar", "w") as jar:
        jar.writestr("META-INF/MANIFEST.MF", "Manifest-Version: 1.0\nMain-Class: Tested\n")
        jar.write(folder / "Tested.class", "Tested.class")
    return (folder / "tested.jar").read_bytes()


def _free(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def _wait(cluster: FlinkCluster, processes: list[subprocess.Popen[bytes]], folder: Path) -> None:
    """Until it has room for tasks: a cluster tells nobody when that is."""
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        logs = "\n".join(path.read_text()[-4000:] for path in folder.glob("*.log"))
        assert all(process.poll() is None for process in processes), logs
        try:
            if cluster.ask("/overview")["slots-available"]:
                return
        except (OSError, ValueError):
            pass
        time.sleep(0.2)
    raise AssertionError(logs)
