"""Where Spark is on this machine, and that Java is, too."""

from __future__ import annotations

import importlib.util
import os
import shutil
from pathlib import Path

from arkwright.nodes.base import Context
from arkwright.nodes.connection_settings import setting


class SparkInvalid(Exception):
    """The message is the refusal."""


def find_spark(context: Context) -> Path:
    """SPARK_HOME. Raises `SparkInvalid` saying what is missing."""
    require_java(context.machine)
    named = "" if context.connection is None else setting(context.connection, ("sparkhome",))
    if named:
        if not Path(named, "bin", "spark-submit").is_file():
            raise SparkInvalid(f"sparkHome is {named!r}, and there is no bin/spark-submit in it.")
        return Path(named)
    found = shutil.which("spark-submit")
    if found is not None and (home := Path(found).resolve().parent.parent / "jars").is_dir():
        return home.parent
    package = importlib.util.find_spec("pyspark")
    if package is not None and package.submodule_search_locations:
        return Path(package.submodule_search_locations[0])
    raise SparkInvalid(
        f"There is no Spark on {context.machine}: pip install 'arkwright[spark]' there, put spark-submit into the "
        "PATH, or set sparkHome in a connection."
    )


def require_java(machine: str) -> None:
    """Raises `SparkInvalid` where there is none."""
    if shutil.which("java") is None and not os.environ.get("JAVA_HOME"):
        raise SparkInvalid(f"There is no Java on {machine}: install a JRE 17 (Debian: default-jre-headless).")
