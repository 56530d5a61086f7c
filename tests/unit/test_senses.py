"""What the sensors share: what they are told of jobs."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import cast

import pytest

from heald.bus.systemd import Manager
from heald.errors import Code, HealdError
from heald.senses import SystemSenses


class Jobs:
    """A manager whose bus does not answer when a watch is ended, which can be done once."""

    def __init__(self) -> None:
        self.watches = list[Callable[[str, str], None]]()

    async def watch_jobs(self, ended: Callable[[str, str], None]) -> Callable[[], Awaitable[None]]:
        self.watches.append(ended)

        async def end() -> None:
            self.watches.remove(ended)
            raise HealdError(Code.TIMEOUT, "RemoveMatch: no answer in 10 s")
        return end


def test_a_watch_whose_end_is_not_answered_is_ended_once_and_jobs_can_be_followed_again() -> None:
    jobs = Jobs()
    senses = SystemSenses(cast("Manager", jobs))

    async def story() -> None:
        await senses.follow_jobs(lambda *_: None)
        with pytest.raises(HealdError, match="no answer"):
            await senses.follow_jobs(None)
        await senses.follow_jobs(lambda *_: None)
        assert len(jobs.watches) == 1
    asyncio.run(story())
