"""One attempt of a Flink node at the cluster: given, watched, cancelled (rules: `flink_job`)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from arkwright.core.outcome import FailureKind
from arkwright.nodes.base import Context, Failed, Outcome, Succeeded
from arkwright.nodes.flink_job import FlinkJob, Say, failed, job_id
from arkwright.nodes.gateway import Gateway, GatewayFailed
from arkwright.nodes.migration_ends import MigrationFailed
from arkwright.nodes.migration_files import Files

SPOOL = "spool"
LIVE = frozenset({"INITIALIZING", "CREATED", "RUNNING", "RESTARTING", "RECONCILING"})
ENDED = frozenset({"FINISHED", "FAILED", "CANCELED", "SUSPENDED"})
FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 3.0
SILENCE_SECONDS = 120.0
"""So long may the cluster be out of reach before nobody knows what became of the job."""
CANCEL_SECONDS = 20.0
ENDING_SECONDS = 1.0
"""So long the end of a cancelled job is waited for."""


class JobLost(Exception):
    """Nobody can know what became of the job."""


class FlinkRun:
    """One attempt."""

    def __init__(
        self, context: Context, gateway: Gateway, job: FlinkJob, settings: Mapping[str, Any], say: Say
    ) -> None:
        self._context = context
        self._gateway = gateway
        self._job = job
        self._settings = settings
        self._say = say
        self._id = job_id(context)

    async def run(self) -> Outcome:
        if not self._job.path:
            return await self._is_running()
        state = await self._state()
        if state is None:
            running = await self._running_of_this_node() if self._job.stream else None
            if running is not None:
                self._say(f"{self._gateway.place}: the job {running} of this node is running")
                return Succeeded(message=f"The job {running} is running.")
            try:
                refused = await self._submit()
            except asyncio.CancelledError:
                await self._cancel()
                raise
            if refused is not None:
                return refused
        else:
            self._say(f"{self._gateway.place}: the job {self._id} is there, {state}")
        try:
            return await self._watch()
        except asyncio.CancelledError:
            await self._cancel()
            raise

    async def _submit(self) -> Failed | None:
        jar = await self._bring()
        status, answer = await self._gateway.ask("POST", "/v1/jars/upload", file=jar)
        if status != 200:
            return failed(FailureKind.ERROR, self._context, f"The jar was refused: {_error(answer)}")
        uploaded = str(answer["filename"]).rpartition("/")[2]
        job = self._job
        name = job.name or self._context.node_name
        given = {
            "jobId": self._id,
            "entryClass": job.entry_class or None,
            "programArgsList": list(job.arguments),
            "parallelism": job.parallelism,
            "flinkConfiguration": {"pipeline.name": name, **job.configuration},
        }
        document = {key: value for key, value in given.items() if value not in (None, [])}
        try:
            status, answer = await self._gateway.ask("POST", f"/v1/jars/{uploaded}/run", document)
        finally:
            await asyncio.shield(self._forget(uploaded))
        if status != 200 and await self._state() is None:
            return failed(FailureKind.ERROR, self._context, f"The job was not started: {_error(answer)}")
        self._say(f"{self._gateway.place}: job {self._id}, {name}, is started")
        return None

    async def _bring(self) -> Path:
        path = self._job.path
        copy = self._context.folder / SPOOL / path.rpartition("/")[2]
        files = Files(self._context.workspace_folder, self._settings, f"flink-{self._context.workspace_id}")
        if not await files.fetch(path, copy, lambda: None):
            raise MigrationFailed(f"resourcePath {path}: there is no such file.")
        return copy

    async def _forget(self, uploaded: str) -> None:
        try:
            await self._gateway.ask("DELETE", f"/v1/jars/{uploaded}")
        except GatewayFailed as error:
            self._say(f"the uploaded jar {uploaded} stays on the cluster: {error}")

    async def _watch(self) -> Outcome:
        told, pause = "", FIRST_PAUSE_SECONDS
        while True:
            state = await self._state_in_time()
            if state is None:
                raise JobLost(f"{self._gateway.place} does not know the job {self._id} any more.")
            if state != told:
                self._say(f"job {self._id}: {state}")
                told = state
            if state == "RUNNING" and self._job.stream and await self._tasks_run():
                return Succeeded(message=f"The job {self._id} is running.")
            if state in ENDED:
                return await self._ended(state)
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, LONGEST_PAUSE_SECONDS)

    async def _state_in_time(self) -> str | None:
        """Asked again while the cluster is out of reach, for a while."""
        end = time.monotonic() + SILENCE_SECONDS
        while True:
            try:
                return await self._state()
            except GatewayFailed as error:
                if time.monotonic() > end:
                    raise JobLost(
                        f"{error}, for {SILENCE_SECONDS:.0f} s; what became of the job is not known."
                    ) from None
                self._say(str(error))
                await asyncio.sleep(LONGEST_PAUSE_SECONDS)

    async def _state(self) -> str | None:
        status, answer = await self._gateway.ask("GET", f"/v1/jobs/{self._id}")
        if status == 200:
            return str(answer["state"])
        if status == 404:
            return None
        raise GatewayFailed(f"{self._gateway.place} answered {status}: {_error(answer)}")

    async def _tasks_run(self) -> bool:
        _, answer = await self._gateway.ask("GET", f"/v1/jobs/{self._id}")
        vertices = answer.get("vertices", []) if isinstance(answer, dict) else []
        return all(each.get("status") in ("RUNNING", "FINISHED") for each in vertices)

    async def _ended(self, state: str) -> Outcome:
        if state == "FINISHED":
            return Succeeded(message=f"The job {self._id} has finished.")
        reason = ""
        if state == "FAILED":
            _, answer = await self._gateway.ask("GET", f"/v1/jobs/{self._id}/exceptions")
            text = _root(answer)
            self._say(text)
            reason = f": {_cause(text)}"
        return failed(FailureKind.ERROR, self._context, f"The job {self._id} ended as {state}{reason}")

    async def _cancel(self) -> None:
        """The cluster has accepted it then; a task that doesn't listen may take its time there."""

        async def ended() -> None:
            while await self._state() in (LIVE | {"CANCELLING", "FAILING"}):  # noqa: ASYNC110  # another machine's
                await asyncio.sleep(FIRST_PAUSE_SECONDS)

        async def cancel() -> None:
            await asyncio.wait_for(self._gateway.ask("PATCH", f"/v1/jobs/{self._id}", mode="cancel"), CANCEL_SECONDS)
            try:
                await asyncio.wait_for(ended(), ENDING_SECONDS)
                self._say(f"job {self._id} is cancelled")
            except TimeoutError:
                self._say(f"job {self._id} is being cancelled")

        try:
            await asyncio.shield(cancel())
        except (GatewayFailed, TimeoutError) as error:
            self._say(f"cancelling job {self._id} was not confirmed: {error!r}")

    async def _overview(self) -> list[dict[str, Any]]:
        _, answer = await self._gateway.ask("GET", "/v1/jobs/overview")
        return list(answer.get("jobs", [])) if isinstance(answer, dict) else []

    async def _running_of_this_node(self) -> str | None:
        half = self._id[:16]
        jobs = await self._overview()
        return next((str(each["jid"]) for each in jobs if each["jid"].startswith(half) and each["state"] in LIVE), None)

    async def _is_running(self) -> Outcome:
        name = self._job.name
        states = sorted({str(each["state"]) for each in await self._overview() if each.get("name") == name})
        if any(state in LIVE for state in states):
            return Succeeded(message=f"The job {name!r} is running.")
        told = f"it is {', '.join(states)}" if states else "there is none of that name"
        return failed(FailureKind.ERROR, self._context, f"The Flink job {name!r} does not run: {told}.")


def _error(answer: Any) -> str:
    """Flink's `{"errors": [short, stack trace]}`: the root of it."""
    errors = answer.get("errors") if isinstance(answer, dict) else None
    return _cause("\n".join(map(str, errors))) if errors else str(answer)[:500]


def _root(answer: Any) -> str:
    if not isinstance(answer, dict):
        return ""
    history = answer.get("exceptionHistory") or {}
    entries = history.get("entries") or [] if isinstance(history, dict) else []
    return str(entries[0].get("stacktrace", "")) if entries else str(answer.get("root-exception") or "")


def _cause(trace: str) -> str:
    """The innermost cause of a Java stack trace."""
    causes = [line.partition("Caused by: ")[2] for line in trace.splitlines() if "Caused by: " in line]
    first = trace.strip().splitlines()[0] if trace.strip() else "no reason was given"
    return (causes[-1] if causes else first).strip().removesuffix("]")[:1000]
