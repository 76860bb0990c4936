"""Node types of the cloud that nothing here runs, each with the reason and what to do in its place.

A job may hold them: its document is kept as it is. A run that comes to such a node fails it with the reason, `arkwright
assess` says so before, and `docs/nodes.md` lists them.
"""

from __future__ import annotations

from typing import NamedTuple


class Unsupported(NamedTuple):
    name: str
    reason: str
    instead: str
    aliases: tuple[str, ...] = ()


UNSUPPORTED = (
    Unsupported(
        "OneclickCDC",
        "It follows a database's log, which takes a service of its own (Debezium, Flink CDC).",
        "Load increments by a column on a schedule.",
        ("One-click CDC", "OneClickCDC"),
    ),
    Unsupported(
        "DISTransferTask",
        "DIS is a service of the cloud's alone.",
        "Start a job by Kafka messages, and load with its nodes.",
        ("DIS Transfer Task",),
    ),
    Unsupported(
        "ETLJob", "It is a form of the cloud's console, whose settings no document describes.", "Write it as DLISQL."
    ),
    Unsupported(
        "ImportGES", "GES is the cloud's own graph engine.", "Shell or Python with your graph database's own loader."
    ),
    Unsupported(
        "ModelArtsTrain",
        "ModelArts is the cloud's own service.",
        "RESTAPI with a connection of type IAM, or Shell with your own trainer.",
        ("ModelArts Train",),
    ),
    Unsupported(
        "ROMAFDIJob",
        "ROMA FDI is the cloud's own service.",
        "RESTAPI with a connection of type IAM.",
        ("ROMAFDI", "ROMA FDI Job"),
    ),
    Unsupported(
        "OpenCloseResource",
        "It switches servers of the cloud on and off.",
        "RESTAPI with a connection of type IAM, or Shell with your provider's command.",
        ("Open/Close Resource", "OpenResource", "CloseResource", "ResourceManagement"),
    ),
    Unsupported(
        "CloudTableManager",
        "CloudTable is the cloud's own service, and no adapter to HBase's REST gateway is there.",
        "RESTAPI at HBase's REST gateway.",
        ("CloudTable Manager", "CloudTableManage"),
    ),
    Unsupported("CSJob", "No open engine runs its jobs.", "See DLIFlinkJob.", ("CS Job",)),
    Unsupported("MachineLearning", "No open engine runs its jobs.", "Python with your own library."),
)
