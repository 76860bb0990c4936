"""A server as a process: started, ended by a signal, and never kept by a database that doesn't answer."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from typing import Any

from arkwright.app.log_lines import SaidOnce
from arkwright.app.server import Server
from arkwright.errors import ArkwrightError
from arkwright.settings import Settings


def serve(settings: Settings, *, started: Any = None) -> int:
    """Run a server until SIGTERM or SIGINT; the exit code. `started` is called with the `Server` once it accepts."""
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    for handler in logging.getLogger().handlers:
        handler.addFilter(SaidOnce())
    logging.getLogger("uvicorn").setLevel(logging.WARNING)  # that it starts and stops is said in our own words

    async def main() -> None:
        stopped = asyncio.Event()
        loop = asyncio.get_running_loop()
        for each in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(each, stopped.set)
        server = Server(settings)
        await server.start()
        if started is not None:
            started(server)
        failed = asyncio.create_task(server.failed.wait())
        await asyncio.wait({failed, asyncio.create_task(stopped.wait())}, return_when=asyncio.FIRST_COMPLETED)
        await server.leave()
        if failed.done():
            raise ArkwrightError("The engine stopped because of a defect; the log has more.", hint="Start it again.")

    run = asyncio.run
    if sys.platform != "win32":
        import uvloop

        run = uvloop.run
    run(main())
    return 0
