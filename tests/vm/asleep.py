"""Trials of a machine that sleeps, wakes and goes down, with the real logind and the real kernel."""

import subprocess
from pathlib import Path

from vm.doing import add_service, reason, run, settle, show, wait_until

PATIENT = "[Login]\nInhibitDelayMaxSec=60\n"
"""Between logind's signal and what it announces there is time to look, as long as somebody holds a delay inhibitor."""


def prepare(name: str) -> None:
    """heald watches, and a service runs that nothing else would start again."""
    Path("/etc/systemd/logind.conf.d").mkdir(exist_ok=True)
    Path("/etc/systemd/logind.conf.d/patient.conf").write_text(PATIENT)
    run("systemctl", "restart", "systemd-logind.service")
    settle('[sense]\ninterval = "2s"\n')
    run("systemctl", "start", "heald.service")
    add_service(name, "/usr/bin/sleep infinity")


def hold(what: str) -> subprocess.Popen[bytes]:
    """Somebody asks logind to wait with it."""
    holder = subprocess.Popen(["systemd-inhibit", f"--what={what}", "--mode=delay", "--who=trial", "sleep", "infinity"],
                              stderr=subprocess.DEVNULL)
    wait_until(lambda: what in run("systemd-inhibit", "--list", "--no-legend"), "the inhibitor is taken")
    return holder


def let_go(holder: subprocess.Popen[bytes]) -> None:
    run("pkill", "--parent", str(holder.pid))
    holder.wait()


def nothing_is_healed_while_the_machine_falls_asleep_or_has_just_woken() -> None:
    """A real suspend, of which the kernel does all but the last step, in which the virtual machine would not wake."""
    prepare("dozes.service")
    Path("/sys/power/pm_test").write_text("freezer")
    holder = hold("sleep")
    run("systemctl", "suspend")
    run("systemctl", "kill", "--signal=KILL", "dozes.service")
    wait_until(lambda: reason("dozes.service").startswith("sleep: "), "heald stands back: the machine goes to sleep")
    let_go(holder)
    wait_until(lambda: reason("dozes.service").startswith("woke: "), "heald stands back: the machine has just woken")
    assert "PM: suspend exit" in run("journalctl", "--dmesg", "--boot")
    assert show("dozes.service", "ActiveState") == "failed"
    wait_until(lambda: show("dozes.service", "ActiveState") == "active", "it is started a minute later")


def nothing_is_healed_while_the_machine_goes_down() -> None:
    """The last trial: the machine is on its way down when it ends."""
    prepare("ends.service")
    hold("shutdown")
    run("systemctl", "reboot")
    run("systemctl", "kill", "--signal=KILL", "ends.service")
    wait_until(lambda: reason("ends.service").startswith("shutdown: "), "heald stands back: the machine goes down")
    assert show("ends.service", "ActiveState") == "failed"
