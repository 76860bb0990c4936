"""Work behind the calls never ends without a word."""

from __future__ import annotations

import asyncio

from arkwright.executors.background import Background


class Told:
    def __init__(self) -> None:
        self.news: asyncio.Queue[tuple[str, BaseException]] = asyncio.Queue()

    def __call__(self, what: str, error: BaseException) -> None:
        self.news.put_nowait((what, error))


def test_what_ends_by_a_defect_or_is_cancelled_by_others_is_told_with_its_name() -> None:
    async def broken() -> None:
        raise KeyError("poison")

    async def scene() -> None:
        told = Told()
        background = Background(told)
        background.begin(broken(), "looking")
        what, error = await told.news.get()
        assert (what, repr(error)) == ("looking", "KeyError('poison')")
        background.begin(asyncio.Event().wait(), "waiting").cancel()  # type: ignore[arg-type]
        what, error = await told.news.get()
        assert what == "waiting"
        assert isinstance(error, asyncio.CancelledError)
        await background.close()

    asyncio.run(scene())


def test_what_comes_to_its_end_or_is_let_go_of_is_no_defect() -> None:
    async def scene() -> None:
        told = Told()
        background = Background(told)
        await background.begin(asyncio.sleep(0), "short")
        task = background.begin(asyncio.Event().wait(), "long")  # type: ignore[arg-type]
        await background.close()
        assert task.cancelled()
        assert told.news.empty()

    asyncio.run(scene())
