"""Whether a connection works, tried for real: logged in to with the driver that nodes would use.

* SQL engines: a session, and `SELECT 1`. Hosts: a log-in over SSH, the host's key checked as nodes do (the one of the
  first time is kept). Kafka: what the cluster says of itself. Spark on this host: that it and Java are there. Anything
  else: somebody listens at the address.
* The network fence is asked first, as for nodes. Nothing of the connection's secrets is in the answer.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, cast

from arkwright.nodes.base import Connection, Failed, Work
from arkwright.nodes.connection_settings import DATABASE, PASSWORD, USER, is_tls, setting, where
from arkwright.nodes.kafka_connection import is_kafka, library_missing
from arkwright.nodes.registry import BUILT_IN, Registry, canonical
from arkwright.nodes.spark_sql import is_local_master, objection_to_local_spark
from arkwright.nodes.sql_node import SqlNode
from arkwright.nodes.sql_session import Engine, SqlFailed, Target
from arkwright.nodes.ssh_program import HOST

CHECK_SECONDS = 10.0


class ConnectionBroken(Exception):
    """It can't be used; the text says why."""


async def check_connection(connection: Connection, settings: Mapping[str, Any], *, known_hosts: Path) -> None:
    """`settings`: of the network fence (`Fence.from_settings`). `known_hosts`: the workspace's file. Raises
    `ConnectionBroken`."""
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            if is_kafka(connection.type):
                await _check_kafka(connection, settings)
            elif canonical(connection.type) == canonical(HOST):
                await _check_host(connection, known_hosts)
            elif is_local_master(connection):
                _check_spark_here()
            elif (engine := _engine(connection)) is not None:
                await _check_sql(connection, engine, settings)
            else:
                await _check_port(connection, settings)
    except TimeoutError:
        raise ConnectionBroken(f"It did not answer within {CHECK_SECONDS:.0f} s.") from None
    except ModuleNotFoundError as missing:
        raise ConnectionBroken(f"The Python package {missing.name} is not installed on the server.") from None


def _engine(connection: Connection) -> Engine | None:
    """Behind the SQL nodes that take such a connection."""
    registry = Registry(group=None)
    for entry in BUILT_IN:
        if entry.work is not Work.HOSTED:
            continue
        node = registry.find(entry.name)
        if isinstance(node, SqlNode) and canonical(connection.type) in {canonical(e) for e in node.type.connections}:
            module, _, name = node.engine_of(connection).partition(":")
            return cast(Engine, getattr(import_module(module), name)())
    return None


async def _address(connection: Connection, default_port: int, settings: Mapping[str, Any]) -> tuple[str, str, int]:
    """Host, its judged address, port."""
    from arkwright.nodes.network_fence import AddressRefused, Fence

    found = where(connection, default_port)
    if isinstance(found, Failed):
        raise ConnectionBroken(found.message)
    host, port = found
    try:
        return host, (await Fence.from_settings(settings).resolve(host, port))[0], port
    except AddressRefused as refusal:
        raise ConnectionBroken(str(refusal)) from None
    except (OSError, UnicodeError) as fault:
        raise ConnectionBroken(f"The address of {host} can't be found: {fault}.") from None


async def _check_sql(connection: Connection, engine: Engine, settings: Mapping[str, Any]) -> None:
    host, address, port = await _address(connection, engine.default_port, settings)
    target = Target(
        host=host,
        address=address,
        port=port,
        user=setting(connection, USER),
        password=setting(connection, PASSWORD),
        database=setting(connection, DATABASE),
        tls=is_tls(connection),
        options=connection.config,
        name="arkwright check",
    )
    try:
        async with engine.session(target, transaction=False) as session:
            await session.execute("SELECT 1", _Nothing())
    except SqlFailed as failure:
        raise ConnectionBroken(str(failure)) from None


class _Nothing:
    def begin(self, columns: Sequence[str]) -> None: ...

    def row(self, values: Sequence[str | None]) -> None: ...


async def _check_host(connection: Connection, known_hosts: Path) -> None:
    from arkwright.nodes.ssh_client import Problem, try_host
    from arkwright.nodes.ssh_program import errand_to, objection

    refusal = objection(connection)
    if refusal is not None:
        raise ConnectionBroken(refusal.message)
    try:
        await try_host(errand_to(connection, known_hosts))
    except Problem as problem:
        text = str(problem)
        raise ConnectionBroken(f"{text[:1].upper()}{text[1:]}.") from None


def _check_spark_here() -> None:
    """It is started by the first node that needs it, and not for this."""
    objection = objection_to_local_spark("the server's host")
    if objection:
        raise ConnectionBroken(objection)


async def _check_kafka(connection: Connection, settings: Mapping[str, Any]) -> None:
    missing = library_missing()
    if missing is not None:
        raise ConnectionBroken(missing)
    from aiokafka.admin import AIOKafkaAdminClient
    from aiokafka.errors import KafkaError

    from arkwright.nodes.kafka_node import KafkaFailed, checked_settings, closed, opened, said

    try:
        given = await checked_settings(connection, settings)
        admin = await opened(given, AIOKafkaAdminClient(**given))
        try:
            await admin.list_topics()
        finally:
            await closed(admin)
    except KafkaFailed as failure:
        raise ConnectionBroken(str(failure)) from None
    except (KafkaError, OSError) as error:
        raise ConnectionBroken(f"The cluster does not answer: {said(error)}.") from None


async def _check_port(connection: Connection, settings: Mapping[str, Any]) -> None:
    host, address, port = await _address(connection, 0, settings)
    if not port:
        raise ConnectionBroken("It names no port: set config.port.")
    try:
        _, writer = await asyncio.open_connection(address, port)
        writer.close()
    except OSError as fault:
        reason = os.strerror(fault.errno) if fault.errno else str(fault)
        raise ConnectionBroken(f"{host}:{port}: {reason}.") from None
