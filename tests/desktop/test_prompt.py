"""From the notification to the repair: a click, the desktop's own password prompt, and root's helper.

Each test has a unit of its own, and with it an incident; what it leaves on the screen it closes.
"""

import pytest

from desktop.screen import SERVICE, AtScreen
from machine import product
from machine.machine import Machine


def asks(machine: Machine, alice: AtScreen, unit: str) -> None:
    """heald asks alice before it starts this unit."""
    product.add_service(machine, unit)
    product.kill(machine, unit)
    alice.waits_for(f"{unit} has failed")


@pytest.fixture(autouse=True)
def tidy(machine: Machine, alice: AtScreen) -> None:
    """Nothing of the test before is asked any more, or on the screen: what goes by itself would move the buttons."""
    machine.run("systemctl", "reset-failed")
    product.wait_until(lambda: not alice.seen() and not alice.is_asked(), "the screen is empty")


def test_a_click_a_password_and_it_is_repaired(machine: Machine, alice: AtScreen) -> None:
    asks(machine, alice, "asked-once.service")
    alice.waits_for("heald can start it, and asks you first.")
    alice.clicks("Repair now")
    alice.waits_to_be_asked()
    alice.waits_for("A password is needed to start asked-once.service.")
    alice.types(alice.password)
    alice.waits_for("asked-once.service was repaired")
    assert product.state(machine, "asked-once.service") == "active"


def test_who_cancels_has_it_left_as_it_is_and_is_told_how_to_do_it_later(machine: Machine, alice: AtScreen) -> None:
    asks(machine, alice, "asked-cancelled.service")
    alice.clicks("Repair now")
    alice.waits_to_be_asked()
    alice.presses("Escape")
    alice.waits_for("asked-cancelled.service was not repaired")
    alice.waits_for("To repair it, type: healctl heal ")
    assert not alice.is_asked()
    assert product.state(machine, "asked-cancelled.service") == "failed"
    alice.clicks("Details")
    alice.waits_for('rule "asks" asks before service/start asked-cancelled.service')


def test_three_wrong_passwords_are_no(machine: Machine, alice: AtScreen) -> None:
    asks(machine, alice, "asked-wrong.service")
    alice.clicks("Repair now")
    alice.waits_to_be_asked()
    for _ in range(3):
        alice.types_wrong()
    alice.waits_for("asked-wrong.service was not repaired")
    product.wait_until(lambda: not alice.is_asked(), "the window is gone")
    assert product.state(machine, "asked-wrong.service") == "failed"


def test_without_an_agent_the_command_to_type_is_told(machine: Machine, alice: AtScreen) -> None:
    alice.stop_agent()
    asks(machine, alice, "asked-nobody.service")
    alice.clicks("Repair now")
    alice.waits_for("Nobody could ask you for a password here.")
    alice.waits_for("To repair it, type: healctl heal ")
    assert product.state(machine, "asked-nobody.service") == "failed"
    alice.start_agent()


def test_a_prompt_ends_with_the_heald_that_asked_for_it(machine: Machine, alice: AtScreen) -> None:
    asks(machine, alice, "asked-killed.service")
    alice.clicks("Repair now")
    alice.waits_to_be_asked()
    before = alice.state(SERVICE, "MainPID")
    alice.systemctl("kill", "--signal=KILL", SERVICE)
    product.wait_until(lambda: not alice.is_asked(), "the prompt went with it")
    product.wait_until(lambda: alice.state(SERVICE, "MainPID") not in {before, "0"}, "another heald serves her")
    assert product.state(machine, "asked-killed.service") == "failed"
    alice.waits_for("asked-killed.service has failed")        # it asks again
    alice.clicks("Repair now")
    alice.waits_to_be_asked()
    alice.types(alice.password)
    alice.waits_for("asked-killed.service was repaired")


def test_not_now_leaves_it_and_asks_no_more(machine: Machine, alice: AtScreen) -> None:
    asks(machine, alice, "asked-later.service")
    alice.clicks("Not now")
    product.wait_until(lambda: not alice.reads("asked-later.service"), "the question is gone")
    product.add_service(machine, "told.service")
    machine.run("systemctl", "kill", "--signal=KILL", "told.service")       # it looks again, and tells of this alone
    alice.waits_for("told.service was repaired")
    assert not alice.reads("asked-later.service")
    assert product.state(machine, "asked-later.service") == "failed"


def test_details_tell_what_is_known_and_the_question_stays(machine: Machine, alice: AtScreen) -> None:
    asks(machine, alice, "asked-details.service")
    alice.clicks("Details")
    alice.waits_for('rule "asks" asks before service/start asked-details.service')
    alice.waits_for("The whole story: healctl why ")
    alice.clicks("Repair now")
    alice.waits_to_be_asked()
    alice.presses("Escape")
    alice.waits_for("asked-details.service was not repaired")


def test_what_was_mended_elsewhere_is_asked_no_more(machine: Machine, alice: AtScreen) -> None:
    asks(machine, alice, "asked-mended.service")
    machine.run("systemctl", "start", "asked-mended.service")
    product.wait_until(lambda: not alice.reads("asked-mended.service"), "the question is gone")


def test_what_heald_repaired_by_itself_is_told_without_a_question(machine: Machine, alice: AtScreen) -> None:
    product.add_service(machine, "shop.service")
    machine.run("systemctl", "kill", "--signal=KILL", "shop.service")
    alice.waits_for("shop.service was repaired")
    assert not alice.reads("Repair now")


def test_what_heald_gave_up_is_told_and_offered_once_more(machine: Machine, alice: AtScreen) -> None:
    product.add_unit(machine, "loop.service", "[Service]\nType=exec\nExecStart=/bin/sh -c 'test -e /run/mended && "
                     "exec sleep infinity; exit 1'\n")
    machine.run("systemctl", "start", "loop.service", check=False)
    alice.waits_for("heald gave up after two tries. You can have it start it once more.")
    machine.write("/run/mended", "")
    alice.clicks("Repair now")
    alice.waits_to_be_asked()
    alice.waits_for("A password is needed to start loop.service.")
    alice.types(alice.password)
    alice.waits_for("loop.service was repaired")
    product.wait_until(lambda: product.state(machine, "loop.service") == "active", "it runs")


def test_a_daemon_that_is_started_again_asks_what_it_asked_before(machine: Machine, alice: AtScreen) -> None:
    asks(machine, alice, "asked-before.service")
    machine.run("systemctl", "restart", "heald.service")
    machine.run("systemctl", "kill", "--signal=KILL", "heald.service")
    product.add_service(machine, "after.service")
    machine.run("systemctl", "kill", "--signal=KILL", "after.service")
    alice.waits_for("after.service was repaired")       # by the new one: the question outlived the old ones
    assert alice.reads("asked-before.service has failed")


def test_her_own_unit_is_repaired_without_a_password(alice: AtScreen) -> None:
    alice.add_service("notes.service")
    alice.kill("notes.service")
    alice.waits_for("notes.service was repaired")
    assert not alice.is_asked()
    assert alice.state("notes.service") == "active"


def test_when_heald_ends_no_button_is_left_behind(machine: Machine, alice: AtScreen) -> None:
    asks(machine, alice, "asked-ended.service")
    alice.systemctl("stop", SERVICE)
    product.wait_until(lambda: not alice.reads("asked-ended.service"), "nothing of it is on the screen")
    alice.systemctl("start", SERVICE)
    alice.waits_for("asked-ended.service has failed")
