"""Commands that README and docs name within a sentence work as they stand there, with a unit for SUBJECT and so on."""

import re

import pytest

import documents
from machine import product
from machine.healctl import break_unit
from machine.machine import Machine
from machine.session import Person, add_person

pytestmark = pytest.mark.long

SPAN = re.compile(r"`((?:sudo )?(?:busctl|healctl|journalctl|man|systemctl) [^`]+)`")
FILLED = {"[ID]": "1", "ID": "1", "NUMBER": "1", "KIND": "unit-failed", "SUBJECT": "shop.service", "SPAN": "2h",
          "[--since": "--since", "SPAN]": "2h", "[--dry-run]": "", "[--yes]": "",
          "FILE": "/etc/heald/heald.toml", "[FILE]": "",
          "PATH": "/root/letters", "[SNAPSHOT]": "", "[--from": "", "SNAPSHOT]": ""}
PARTS = {"systemctl start", "systemctl restart", "systemctl reset-failed", "systemctl --user",
         "busctl introspect", "healctl pause", "healctl resume", "healctl pause --json", "healctl resume --json",
         "healctl rules test --json", "healctl backup", "healctl backup restore --json"}
"""Named without what belongs to them."""
NOT_HERE = {
    "healctl watch": "goes on until Ctrl-C: test_modes.py",
    "healctl watch --json": "the same",
    'healctl why "$1" | jq --raw-input --slurp \'{text: .}\'': "a line of a script",
    "healctl why 100": "measured by make bench-history, which makes so many incidents",
    "sudo systemctl start heald-alert@12.service": "needs the unit of alerts.md, which test_alerts.py has started",
}
OWN = "--user"          # a person's, in their session
NAMED = sorted({" ".join(span.split()) for file in documents.DOCUMENTS for span in SPAN.findall(
    re.sub(r"^```.*?^```$", "", file.read_text(), flags=re.MULTILINE | re.DOTALL))} - PARTS - NOT_HERE.keys())
TELLS = re.compile(r"healctl (check|heal|status|dashboard|doctor)\b")


@pytest.fixture(scope="module")
def bob(machine: Machine) -> Person:
    """Logged in, with heald for his own units."""
    machine.run("systemctl", "--global", "enable", "--quiet", "heald-session.service")
    bob = add_person(machine, "bob", 1501, administrator=False)
    bob.logs_in()
    product.wait_until(lambda: "auto" in bob.property("Mode"), "heald heals his session")
    return bob


@pytest.fixture(scope="module")
def shop(machine: Machine) -> Machine:
    """A machine whose incident 1 is a shop that was healed; there is a backup, too."""
    machine.write("/root/letters/home", "Dear")
    machine.run("mkdir", "/root/backup")
    machine.write("/etc/heald/heald.toml", '[backup]\npaths = ["/root/letters"]\ntarget = "/root/backup"\n')
    machine.run("healctl", "backup", "create")
    machine.run("systemctl", "start", "heald.service")
    break_unit(machine, "shop.service")
    product.wait_until(lambda: product.state(machine, "shop.service") == "active", "it was healed")
    product.wait_until(lambda: '"healed"' in machine.run("healctl", "history", "--json").stdout, "that is known")
    return machine


@pytest.mark.parametrize("command", [command for command in NAMED if OWN in command])
def test_a_person_s_own_command_works_in_their_session(bob: Person, command: str) -> None:
    bob.run("sh", "-c", command)
    bob.systemctl("unmask", "heald-session.service")        # one of them masks it


@pytest.mark.parametrize("command", [command for command in NAMED if OWN not in command])
def test_a_command_that_is_named_works(shop: Machine, command: str) -> None:
    shop.run("systemctl", "start", "heald.service")         # one of them stops it
    words = " ".join(FILLED.get(word, word) for word in command.split())
    done = shop.run("sh", "-c", f"cd {product.SOURCE} && {words}", check=False)
    assert "Traceback" not in done.stderr
    assert done.returncode <= (TELLS.search(words) is not None), done.stdout + done.stderr
