"""systemd is replaced, as by a daemon-reexec: its name has a new owner, and only that one is believed."""

import tempfile
from pathlib import Path

import pytest
from dbus_next.signature import Variant

from bus.private import MOCK, SYSTEMD, SYSTEMD_TEMPLATE, CannotPlayError, stage, stand_in

JOB_REMOVED = ("org.freedesktop.systemd1.Manager", "JobRemoved", "uoss")


def test_a_new_systemd_is_believed_and_the_old_one_no_more() -> None:
    try:
        with tempfile.TemporaryDirectory() as work, stage(Path(work)) as played:
            played.fresh()
            played.unit("ill.service")
            assert played.root.start("ill.service").report["after"] == "active"
            name, path, _ = SYSTEMD
            old = played.root.bus("GetNameOwner", "s", name).body[0]
            with stand_in(Path(work), SYSTEMD_TEMPLATE):
                played.until(lambda: played.root.bus("GetNameOwner", "s", name).body != [old], "systemd was replaced")
                helper = played.helper_pid()
                played.unit("slow.service")
                played.systemd("SetJob", "sss", "slow.service", "", "")
                asked = played.root.begin("HealService", "start", "slow.service")
                played.until(lambda: bool(played.asked("StartUnit")), "the new systemd was asked")
                job = played.systemd("JobOf", "s", "slow.service").body[0]
                forged = [Variant("u", 1), Variant("o", job), Variant("s", "slow.service"), Variant("s", "done")]
                played.told(played.root.call((old, path, MOCK), "EmitSignal", "sssav", [*JOB_REMOVED, forged]))
                assert not asked.done()
                played.systemd("EndJob", "sss", "slow.service", "failed", "failed")
                assert played.root.wait(asked).error == "Failed"
                assert played.helper_pid() == helper
    except CannotPlayError as why:
        pytest.skip(str(why))
