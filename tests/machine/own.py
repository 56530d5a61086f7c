"""`own.py OPERATION TARGET`: has a person's own systemd heal a unit of theirs, prints the result as STATE: DETAIL.

Runs in the machine as that person, by what is installed there.
"""

import asyncio
import sys

sys.path.insert(0, "/usr/lib/heald/site")

from heald.bus.connection import Bus
from heald.bus.own import OwnManager
from heald.bus.systemd import Manager
from heald.model import Action, Category


async def main() -> None:
    category, _, operation = sys.argv[1].partition("/")
    bus = await Bus.connect("session")
    await Manager(bus).subscribe(lambda: None)
    manager = OwnManager(bus)
    await manager.start()
    result = await manager.heal(Action(Category(category), operation, sys.argv[2]))
    print(f"{result.state}: {result.detail}")
    bus.close()


asyncio.run(main())
