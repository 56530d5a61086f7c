"""`python -m desktop FOLDER`: takes the documentation's pictures of a real desktop: a question, a prompt, an end."""

import sys
from pathlib import Path

from desktop.conftest import prepared
from desktop.screen import at_screen
from machine import product

UNIT = "nginx.service"
RULE = f"""\
[[rule]]
name = "web server"
kind = "unit-failed"
subject = "{UNIT}"
mode = "ask"
ladder = ["service/start"]
"""


def main() -> None:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    with prepared(RULE) as machine:
        alice = at_screen(machine, "alice", 1500, administrator=True, display=7)
        alice.sits_down("880x360")
        product.add_service(machine, UNIT)
        product.kill(machine, UNIT)
        alice.waits_for(f"{UNIT} has failed")
        alice.picture(folder / "desktop-question.png")
        alice.clicks("Repair now")
        alice.waits_to_be_asked()
        alice.waits_for(f"A password is needed to start {UNIT}.")
        alice.picture(folder / "desktop-prompt.png")
        alice.types(alice.password)
        alice.waits_for(f"{UNIT} was repaired")
        alice.picture(folder / "desktop-repaired.png")
    for picture in sorted(folder.glob("desktop-*.png")):
        print(picture)


main()
