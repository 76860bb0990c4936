"""A workspace's own Spark on this host: one JVM, which its host process starts with the first statement and keeps.

* The host's end is its end: the JVM ends once nobody holds the other end of its standard input, also after kill -9. It
  alone holds `lock`, so the next one begins when the last is really gone, whoever had started it.
* Tables are kept: Spark's catalogue is a Derby database in `metastore`, their data are in `warehouse`; both are in the
  workspace's `spark` folder. Relative paths in statements are those of the workspace's files.
* Nobody else of this machine may use it: it listens on loopback only, and wants a secret that no list of processes has.
* `conf/spark-defaults.conf` of the package `pyspark` is honoured (`spark.driver.memory`).
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import shutil
import subprocess
import threading
import time
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from arkwright.nodes.spark_node import LOCAL_MASTER
from arkwright.nodes.sql_session import SqlFailed

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

FOLDER, FILES, SCRATCH = "spark", "files", "scratch"
LOG_SETTINGS = b"rootLogger.level = off\n"
LOGGERS = ("SQLQueryContextLogger", "DataFrameQueryContextLogger")
"""Of `pyspark`. What goes wrong is told to who asked; in a log it would stand with the statement, and its secrets."""
PREDECESSOR_SECONDS = 60.0
"""So long a JVM whose host has gone is waited for: it stops what it was at first."""
SPARK_LOST_EXIT_CODE = 71
ENDING_SECONDS = 10.0
SAID_CHARACTERS = 1000

_pool = ThreadPoolExecutor(1, thread_name_prefix="arkwright-spark")
_guard = threading.Lock()
_starting: Future[SparkSession] | None = None


def started(workspace_folder: Path) -> SparkSession:
    """The one of this process, which is started by whoever asks first. Blocks; raises `SqlFailed` if it can't start."""
    global _starting
    with _guard:
        if _starting is None or (_starting.done() and _starting.exception() is not None):
            _starting = _pool.submit(_start, workspace_folder)
        starting = _starting
    spark = starting.result()
    leave_if_gone(spark)
    return spark


def leave_if_broken(spark: SparkSession, error: Exception) -> None:
    """As `leave_if_gone`, after an error of a statement: one that the JVM didn't say is most likely its end."""
    from py4j.protocol import Py4JError, Py4JJavaError

    if isinstance(error, Py4JError | ConnectionError) and not isinstance(error, Py4JJavaError):
        with contextlib.suppress(subprocess.TimeoutExpired):
            spark.sparkContext._gateway.proc.wait(ENDING_SECONDS)
    leave_if_gone(spark)


def is_up() -> bool:
    with _guard:
        return _starting is not None and _starting.done() and _starting.exception() is None


def leave_if_gone(spark: SparkSession) -> None:
    """Without its JVM this process is of no use: the next host starts another, and asks what became of attempts."""
    process = spark.sparkContext._gateway.proc
    if process.poll() is not None:
        _leave(process.returncode)


def _leave(code: int) -> NoReturn:
    os.write(2, f"Spark has ended by itself, with {code}: out of memory, perhaps.\n".encode())
    os._exit(SPARK_LOST_EXIT_CODE)


def _start(workspace_folder: Path) -> SparkSession:
    from py4j.protocol import Py4JError
    from pyspark import SparkConf, SparkContext
    from pyspark.errors import PySparkException
    from pyspark.java_gateway import launch_gateway
    from pyspark.logger import PySparkLogger
    from pyspark.sql import SparkSession

    folder, files = workspace_folder / FOLDER, workspace_folder / FILES
    for each in (folder, files):
        each.mkdir(mode=0o700, parents=True, exist_ok=True)
    (folder / "log4j2.properties").write_bytes(LOG_SETTINGS)
    for logger in (logging.getLogger("py4j"), *(PySparkLogger.getLogger(name) for name in LOGGERS)):
        logger.setLevel(logging.CRITICAL + 1)
    conf = SparkConf(loadDefaults=False)
    conf.setAll(list(_settings(folder).items()))
    words: deque[bytes] = deque(maxlen=16)
    lock = _alone(folder / "lock")
    mouth = _heard(words)
    gateway = context = None
    try:
        shutil.rmtree(folder / SCRATCH, ignore_errors=True)  # of one that was killed
        (folder / SCRATCH).mkdir(mode=0o700)
        gateway = launch_gateway(conf, {"cwd": files, "pass_fds": (lock,), "stdout": mouth, "stderr": mouth})
        context = SparkContext(conf=conf, gateway=gateway)
        spark = SparkSession(context)
        spark.sql("SHOW DATABASES").collect()  # makes the catalogue, which takes its time
    except (PySparkException, Py4JError, OSError) as error:
        if context is not None:
            context.stop()
        if gateway is not None:
            gateway.proc.kill()
            gateway.proc.wait()
            SparkContext._gateway = SparkContext._jvm = None  # or the next try would ask this one
        said = b"".join(words).decode(errors="replace").strip()[-SAID_CHARACTERS:]
        raise SqlFailed(f"Spark can't be started on this host: {said or error}") from None
    finally:
        os.close(lock)  # the JVM has it
        os.close(mouth)
    return spark


def _heard(words: deque[bytes]) -> int:
    """A pipe whose last words are kept, and only here: a JVM says of each fault what the statement was."""
    ear, mouth = os.pipe()

    def hear() -> None:
        with open(ear, "rb", buffering=0) as pipe:  # noqa: PTH123 - a descriptor
            while said := pipe.read(4096):
                words.append(said)

    threading.Thread(target=hear, name="arkwright-spark-words", daemon=True).start()
    return mouth


def _alone(path: Path) -> int:
    """The lock of the folder, once whoever had it is gone."""
    lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    end = time.monotonic() + PREDECESSOR_SECONDS
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return lock
        except BlockingIOError:
            if time.monotonic() > end:
                os.close(lock)
                raise SqlFailed(f"An earlier Spark of this workspace has not ended: it holds {path}.") from None
            time.sleep(0.05)


def _settings(folder: Path) -> dict[str, Any]:
    java = {
        "derby.system.home": folder,
        "derby.stream.error.file": folder / "derby.log",
        "log4j2.configurationFile": (folder / "log4j2.properties").as_uri(),
        "java.io.tmpdir": folder / SCRATCH,
    }
    return {
        "spark.master": LOCAL_MASTER,
        "spark.app.name": "arkwright",
        "spark.authenticate": "true",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.ui.showConsoleProgress": "false",
        "spark.driver.extraJavaOptions": " ".join(f'"-D{name}={value}"' for name, value in java.items()),
        "spark.local.dir": str(folder / SCRATCH),
        "spark.ui.enabled": "false",
        "spark.hadoop.fs.defaultFS": "file:///",
        "spark.sql.shuffle.partitions": str(2 * (os.cpu_count() or 1)),
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
        "spark.sql.catalogImplementation": "hive",
        "spark.hadoop.javax.jdo.option.ConnectionURL": f"jdbc:derby:;databaseName={folder}/metastore;create=true",
        "spark.hadoop.datanucleus.schema.autoCreateAll": "true",
        "spark.hadoop.hive.metastore.schema.verification": "false",
    }
