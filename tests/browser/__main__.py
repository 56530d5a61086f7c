"""`python -m browser`: takes the pictures of the status page, which docs/metrics.md shows, into docs/pictures."""

import asyncio
import os
import subprocess
import time
from pathlib import Path

from browser.chromium import Browser
from browser.made_up import EVENTFUL, QUIET
from heald.face import page
from heald.face.style import POLICY
from heald.face.web import Answer, Web
from heald.listen import Listen

FOLDER = Path(__file__).resolve().parents[2] / "docs/pictures"
PICTURES = {"light": ("", 1000, False), "dark": ("", 1000, True), "narrow": ("", 360, False),
            "well": ("well", 1000, False)}
"""By name: path, width in CSS pixels, dark."""


async def main() -> None:
    async def eventful() -> Answer:
        return Answer(page.html(EVENTFUL).encode(), "text/html; charset=utf-8", more=POLICY)

    async def quiet() -> Answer:
        return Answer(page.html(QUIET).encode(), "text/html; charset=utf-8", more=POLICY)
    web = Web({"/": eventful, "/well": quiet}, Listen().knows)
    port = await web.start("127.0.0.1", 0)
    try:
        await asyncio.to_thread(take, f"http://127.0.0.1:{port}/")
    finally:
        await web.stop()


def take(where: str) -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    with Browser.open() as browser:
        for name, (path, width, dark) in PICTURES.items():
            browser.visit(where + path, width=width, dark=dark)
            file = FOLDER / f"status-{name}.png"
            file.write_bytes(few_colours(browser.picture()))
            print(f"{file.relative_to(FOLDER.parents[1])}: {file.stat().st_size / 1000:.0f} kB")


def few_colours(png: bytes) -> bytes:
    """A fifth of the size, and the eye sees no difference."""
    quantize = ["pngquant", "--speed=1", "--strip", "64", "-"]
    return subprocess.run(quantize, input=png, capture_output=True, check=True).stdout


if __name__ == "__main__":
    os.environ["TZ"] = "UTC"
    time.tzset()
    asyncio.run(main())
