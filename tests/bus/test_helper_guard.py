"""What is never touched, and what is not ill: whoever asks, root too."""

from fnmatch import fnmatchcase

import pytest
from dbus_next.signature import Variant

from bus.private import Stage
from heald_helper import guard

NEVER = [
    "dbus.service", "dbus-broker.service", "polkit.service", "polkitd.service", "user@1000.service",
    "user-runtime-dir@1000.service", "getty@tty1.service", "serial-getty@ttyS0.service", "console-getty.service",
    "display-manager.service", "gdm.service", "gdm3.service", "lightdm.service", "sddm.service", "lxdm.service",
    "xdm.service", "greetd.service", "ly.service", "ly@tty2.service", "slim.service", "nodm.service",
    "cosmic-greeter.service", "systemd-journald.service", "systemd-logind.service", "heald.service",
    "heald-helper.service", "heald-run-reindex.service", "debug-shell.service", "emergency.service", "rescue.service",
    "initrd-switch-root.service", "plymouth-quit.service", "auditd.service", "fwupd.service", "pacemaker.service",
    "corosync.service", "drbd.service", "ceph-osd@1.service", "dbus.socket", "systemd-tmpfiles-clean.timer",
    "modprobe@loop.service",
]


def nothing_happened(stage: Stage) -> bool:
    return not any(stage.asked(member) for member in ("StartUnit", "TryRestartUnit", "ReloadUnit", "ResetFailedUnit"))


def test_every_pattern_has_an_example_here() -> None:
    examples = {glob for glob in guard.NEVER for name in NEVER if fnmatchcase(name, glob)}
    assert set(guard.NEVER) - examples == {"init.scope"}       # a scope is refused by its type


@pytest.mark.parametrize("name", NEVER)
def test_what_is_never_touched(stage: Stage, name: str) -> None:
    stage.helper_toml('may_restart = ["*"]\n')
    for state, operation in (("failed", "start"), ("failed", "repair"), ("active", "restart"), ("active", "reload")):
        stage.unit(name, state)
        reply = stage.root.heal("HealService", operation, name)
        assert reply.error == "Protected"
        assert "\n" not in reply.text
    assert nothing_happened(stage)


@pytest.mark.parametrize("name", ["dbus.service", "sshd.service"])
def test_an_alias_of_a_protected_one_is_that_one(stage: Stage, name: str) -> None:
    stage.helper_toml('protected = ["sshd.service"]\n')
    stage.unit(name, more={"Names": Variant("as", [name, "harmless.service"])})
    assert stage.root.start("harmless.service").error == "Protected"
    stage.unit("other.service", more={"Names": Variant("as", ["other.service", name])})
    assert stage.root.start("other.service").error == "Protected"
    assert nothing_happened(stage)


@pytest.mark.parametrize("name", guard.BUT)
def test_of_systemd_s_own_some_may_be_started_where_they_failed(stage: Stage, name: str) -> None:
    stage.helper_toml('may_restart = ["*"]\n')
    stage.unit(name, "active")
    assert stage.root.heal("HealService", "restart", name).error == "Protected"
    assert stage.root.start(name).error == "Protected"
    stage.unit(name)
    assert stage.root.start(name).report["after"] == "active"


@pytest.mark.parametrize(("name", "properties"), [
    ("login.service", {"PAMName": Variant("s", "login")}),
    ("screen.service", {"TTYPath": Variant("s", "/dev/tty1")}),
    ("byhand.service", {"RefuseManualStart": Variant("b", True)}),
    ("byhand.service", {"RefuseManualStop": Variant("b", True)}),
    ("job@1.service", {"ActiveState": Variant("s", "inactive")}),
    ("one@1.service", {"TriggeredBy": Variant("as", ["one.socket"])}),
])
def test_what_is_somebody_s_is_protected(stage: Stage, name: str, properties: dict[str, Variant]) -> None:
    stage.unit("one.socket", "active", {"Accept": Variant("b", True)})
    stage.unit(name, more=properties)
    assert stage.root.start(name).error == "Protected"
    assert nothing_happened(stage)


@pytest.mark.parametrize("properties", [
    {"Transient": Variant("b", True)},
    {"FragmentPath": Variant("s", "/run/systemd/transient/odd.service")},
    {"FragmentPath": Variant("s", "/run/systemd/system/odd.service")},
    {"FragmentPath": Variant("s", "/home/alice/odd.service")},
    {"FragmentPath": Variant("s", "/etc/systemd/../../home/alice/odd.service")},
    {"FragmentPath": Variant("s", "/etc/systemd-of-mine/odd.service")},
    {"FragmentPath": Variant("s", "")},
    {"LoadState": Variant("s", "not-found")},
])
def test_what_root_did_not_install_is_no_unit(stage: Stage, properties: dict[str, Variant]) -> None:
    stage.unit("odd.service", more=properties)
    reply = stage.root.start("odd.service")
    assert reply.error == "InvalidArgs"
    assert "/" not in reply.text
    assert nothing_happened(stage)


@pytest.mark.parametrize("name", [
    "", "ill", "ill.service\n", "\nill.service", "ill.service\n.service", "ill service.service", "../ill.service",
    "/etc/systemd/system/ill.service", "ill\uff53.service", "\uff49\uff4c\uff4c.service", "ill.servic\u0435",
    "*.service", "ill.scope", "ill.slice", "ill.device", "ill.swap", "ill.target", "ill@.service", "@1.service",
    "<b>ill</b>.service", "a" * 256 + ".service", "a" * 247 + ".service",
])
def test_what_is_no_name_of_a_unit_is_refused_before_systemd_is_asked(stage: Stage, name: str) -> None:
    reply = stage.root.start(name)
    assert reply.error == "InvalidArgs"
    assert "\n" not in reply.text
    assert stage.asked("LoadUnit") == []


@pytest.mark.parametrize(("state", "operation"), [
    ("active", "start"), ("activating", "start"), ("inactive", "start"), ("active", "repair"), ("inactive", "repair"),
    ("failed", "restart"), ("inactive", "restart"), ("failed", "reload"),
])
def test_only_the_ill_are_healed(stage: Stage, state: str, operation: str) -> None:
    stage.helper_toml('may_restart = ["some.service"]\n')
    stage.unit("some.service", state)
    assert stage.root.heal("HealService", operation, "some.service").error == "Healthy"
    assert nothing_happened(stage)


def test_only_what_root_lists_is_restarted(stage: Stage) -> None:
    stage.unit("some.service", "active")
    for operation in ("restart", "reload"):
        assert stage.root.heal("HealService", operation, "some.service").error == "AccessDenied"
    stage.helper_toml('may_restart = ["some.*"]\n')
    assert stage.root.heal("HealService", "restart", "some.service").report["state"] == "done"
    assert stage.root.heal("HealService", "reload", "some.service").report["state"] == "done"
    assert stage.asked("TryRestartUnit") == stage.asked("ReloadUnit") == [["some.service", "fail"]]


def test_only_what_root_lists_is_run(stage: Stage) -> None:
    stage.unit("heald-run-reindex.service", "inactive")
    assert stage.root.heal("HealSystem", "run", "reindex").error == "AccessDenied"
    stage.helper_toml('run = ["reindex", "absent"]\n')
    assert stage.root.heal("HealSystem", "run", "absent").error == "NotSupported"
    assert stage.root.heal("HealSystem", "run", "reindex").report["unit"] == "heald-run-reindex.service"


def test_repair_leaves_out_what_cannot_be_started_by_hand_and_names_it(stage: Stage) -> None:
    stage.unit("base.service")
    stage.unit("shy.service", more={"RefuseManualStart": Variant("b", True)})
    stage.unit("well.service", "active")
    stage.unit("top.service", more={"Requires": Variant("as", ["base.service", "shy.service", "well.service"])})
    report = stage.root.heal("HealService", "repair", "top.service").report
    assert "shy.service" in report["result"]
    assert [unit for unit, _ in stage.asked("StartUnit")] == ["base.service", "top.service"]


def test_a_service_that_the_bus_starts_by_an_alias_is_no_part_of_the_bus(stage: Stage) -> None:
    stage.unit("bluetooth.service", more={"Names": Variant("as", ["bluetooth.service", "dbus-org.bluez.service"])})
    assert stage.root.start("bluetooth.service").report["after"] == "active"


@pytest.mark.parametrize("key", ["FailureAction", "SuccessAction", "StartLimitAction", "JobTimeoutAction"])
def test_a_unit_whose_end_is_the_machine_s_is_protected(stage: Stage, key: str) -> None:
    stage.unit("ill.service", more={key: Variant("s", "reboot-force")})
    assert stage.root.start("ill.service").error == "Protected"
    assert nothing_happened(stage)


@pytest.mark.parametrize(("text", "told"), [
    ("protected = [\n", "Invalid value"),
    ('protected = "db*.service"\n', "protected is of the wrong type"),
    ('may_restrat = ["ill.service"]\n', "may_restrat is not known"),
    ('[limits]\nburst = "many"\n', "limits.burst is of the wrong type"),
])
def test_while_root_s_file_has_a_mistake_no_unit_is_touched_and_it_says_so(stage: Stage, text: str, told: str) -> None:
    stage.helper_toml(text)
    stage.unit("ill.service")
    reply = stage.root.start("ill.service")
    assert (reply.error, "helper.toml has a mistake" in reply.text) == ("Protected", True)
    assert nothing_happened(stage)
    assert f"{told}" in stage.log()
    stage.helper_toml('protected = ["db*.service"]\n')
    assert stage.root.start("ill.service").error == ""
