"""Two people on one machine: nobody raises a window on another's screen, and who is not at theirs is not asked."""

import subprocess
from collections.abc import Iterator

import pytest

from desktop.screen import AtScreen, at_screen
from machine import product
from machine.machine import Machine

CALL = product.call("HealService", "start", "asked.service", "--interactive")


@pytest.fixture
def failed(machine: Machine, alice: AtScreen) -> Iterator[None]:
    """A unit of the machine's has failed, and heald asks an administrator about it."""
    product.add_service(machine, "asked.service")
    product.kill(machine, "asked.service")
    yield
    machine.run("systemctl", "reset-failed", "asked.service")
    product.wait_until(lambda: not alice.reads("asked.service"), "nothing is asked")


@pytest.fixture(scope="module")
def bob(machine: Machine, alice: AtScreen) -> AtScreen:
    """No administrator."""
    return at_screen(machine, "bob", 1501, administrator=False, display=8)


@pytest.mark.parametrize("who", ["alice", "bob"])
@pytest.mark.parametrize("where", [
    (), ("--setenv=DISPLAY=:7",), ("--property=PAMName=login", "--setenv=XDG_SESSION_TYPE=tty"),
], ids=["no session", "her display", "a session without a seat"])
@pytest.mark.usefixtures("bob", "failed")
def test_who_calls_from_elsewhere_is_refused_and_raises_no_window(
        machine: Machine, alice: AtScreen, who: str, where: tuple[str, ...]) -> None:
    """As a service, as a job of cron's, over ssh: whoever it belongs to."""
    alice.waits_for("asked.service has failed")
    done = machine.run("systemd-run", "--wait", "--pipe", "--quiet", "--collect", f"--uid={who}", *where, *CALL)
    assert '"AccessDenied"' in done.stdout or '"InteractiveAuthorizationRequired"' in done.stdout
    assert not alice.is_asked()
    assert product.state(machine, "asked.service") == "failed"


def test_in_front_is_asked_and_behind_is_not(machine: Machine, alice: AtScreen, bob: AtScreen, failed: None) -> None:
    """bob in front is no administrator, alice behind is not at the screen: nobody is told until she is back."""
    alice.waits_for("asked.service has failed")
    bob.sits_down()
    product.add_service(machine, "asked-2.service")
    product.kill(machine, "asked-2.service")
    for person in (alice, bob):         # own units are told wherever one is: both have looked since
        person.add_service("notes.service")
        person.kill("notes.service")
        person.waits_for("notes.service was repaired")
        assert not person.reads("asked-2.service")
    assert not bob.reads("asked.service")
    prompt = subprocess.Popen([*machine.enter(), *bob.as_unit(*CALL)], stdout=subprocess.PIPE, text=True)
    product.wait_until(bob.is_asked, "bob is asked, on his own screen")
    assert not alice.is_asked()
    bob.presses("Escape")
    assert '"AccessDenied"' in prompt.communicate(timeout=60)[0]
    alice.comes_to_front()
    alice.waits_for("asked-2.service has failed")
    machine.run("systemctl", "reset-failed", "asked-2.service")
    bob.logs_out()
