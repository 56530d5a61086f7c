"""What is tried in the virtual machine, as root: each trial's end is printed as a line of JSON.

Standard library only: it runs with the machine's own Python. A trial fails by raising.
"""

import json
import sys
import time
import traceback
from pathlib import Path

from vm import asleep, served
from vm.doing import CGROUP, add_service, ended_by, heal, look, pressure, reason, run, seen, settle, show, wait_until


def a_killed_service_is_healed() -> None:
    """The whole path under a kernel of its own, both sandboxes in full force."""
    run("systemctl", "start", "heald.service")
    add_service("shop.service", "/usr/bin/sleep infinity")
    before = show("shop.service", "MainPID")
    run("systemctl", "kill", "--signal=KILL", "shop.service")
    wait_until(lambda: show("shop.service", "ActiveState") == "active" and show("shop.service", "MainPID") != before,
               "shop.service runs again")


def the_helper_s_limits_are_in_force() -> None:
    """What nspawn only notes, this kernel enforces."""
    answer = heal("HealService", "start", "shop.service")
    assert "neither failed" in answer, answer
    cgroup = CGROUP / "heald-helper.service"
    assert (cgroup / "memory.max").read_text().strip() == str(64 << 20)
    assert (cgroup / "pids.max").read_text().strip() == "2"
    assert int((cgroup / "memory.current").read_text()) < 48 << 20


def the_helper_sees_what_it_reads_and_none_of_the_kernel_s_switches_is_its() -> None:
    """A container's /sys cannot be written anyhow; a machine's can, by uid 0 without a capability."""
    heal("HealService", "start", "shop.service")
    process = Path("/proc", show("heald-helper.service", "MainPID"))
    mounts = [line.split() for line in (process / "mountinfo").read_text().splitlines()]
    modes = {words[4]: words[5].split(",")[0] for words in mounts}
    locked = [place for place in modes if place == "/" or place.startswith(("/sys", "/usr", "/etc", "/var"))]
    assert {modes[place] for place in locked} == {"ro"}, modes
    there = {path.name for path in (process / "root").iterdir()}
    assert there <= {"dev", "etc", "lib", "lib64", "nix", "proc", "run", "sys", "tmp", "usr", "var"}, there
    assert (Path("/sys/power/state").stat().st_mode & 0o200, modes["/sys"]) == (0o200, "ro")


def usage(unit: str) -> int:
    """Microseconds of processor time that a unit has had."""
    return int((CGROUP / unit / "cpu.stat").read_text().split()[1])


def memory_is_limited_and_given_back() -> None:
    """A unit that is throttled makes pressure; another holds most of the memory, and is limited for it."""
    add_service("hog.service", "/usr/bin/python3 -c 'import time; held = b\"x\" * (300 << 20); time.sleep(1e6)'")
    limit = CGROUP / "hog.service/memory.high"
    holds = CGROUP / "hog.service/memory.current"
    wait_until(lambda: int(holds.read_text()) > 300 << 20, "hog.service holds 300 MiB")
    assert "not above" in heal("HealResource", "limit-memory", "hog.service")
    add_service("squeezed.service", "/usr/bin/python3 -c 'held = b\"x\" * (200 << 20)'", "MemoryHigh=20M")
    wait_until(lambda: pressure("memory", "full", "avg10") > 6, "memory is short")
    answer = heal("HealResource", "limit-memory", "hog.service")
    assert '"done"' in answer, answer
    assert 300 << 20 < int(limit.read_text()) < 400 << 20
    assert show("hog.service", "ActiveState") == "active"
    run("systemctl", "stop", "squeezed.service")
    answer = heal("HealResource", "unlimit", "hog.service")
    assert '"done"' in answer, answer
    assert limit.read_text().strip() == "max"
    assert not list(Path("/run/systemd/system.control").glob("hog.service.d/*"))
    run("systemctl", "stop", "hog.service")


def processor_time_is_limited_and_given_back() -> None:
    """Of units that all want the processors, the one that is limited gets far less, and nobody is stopped."""
    loop = "/bin/sh -c 'while :; do :; done'"
    names = [f"busy-{number}.service" for number in range(4)]
    for name in names:
        add_service(name, loop)
    wait_until(lambda: pressure("cpu", "some", "avg60") > 55, "the processors are short")
    answer = heal("HealResource", "limit-cpu", names[0])
    assert '"done"' in answer, answer
    assert (CGROUP / names[0] / "cpu.weight").read_text().strip() == "20"
    before = [usage(name) for name in names]
    time.sleep(10)
    used = [usage(name) - was for name, was in zip(names, before, strict=True)]
    assert used[0] < min(used[1:]) / 2, used
    assert '"done"' in heal("HealResource", "unlimit", names[0])
    weight = CGROUP / names[0] / "cpu.weight"       # gone where no unit beside it has one of its own
    assert not weight.exists() or weight.read_text().strip() == "100"
    run("systemctl", "stop", *names)


SHORT = """\
[sense]
interval = "2s"
[thresholds]
pressure-memory = 12
[[rule]]
name = "short"
kind = "pressure-memory"
for = "0s"
ladder = ["resource/limit-memory"]
"""


def heald_limits_who_holds_most_while_others_wait_for_memory() -> None:
    """Seen, named, limited and lifted by the daemon alone. Well above what root wants to see, so that both see it."""
    Path("/etc/heald").mkdir(exist_ok=True)
    Path("/etc/heald/heald.toml").write_text(SHORT)
    run("systemctl", "restart", "heald.service")
    add_service("holder.service", "/usr/bin/python3 -c 'import time; held = b\"x\" * (400 << 20); time.sleep(1e6)'")
    add_service("waits.service", "/usr/bin/python3 -c 'while True: held = b\"x\" * (60 << 20)'", "MemoryHigh=20M")
    limit = CGROUP / "holder.service/memory.high"
    wait_until(lambda: limit.read_text().strip() != "max", "holder.service is limited")
    run("systemctl", "stop", "waits.service")
    wait_until(lambda: limit.read_text().strip() == "max", "the limit is lifted")
    known = json.loads(run("healctl", "history", "--json"))["incidents"]
    [incident] = [one for one in known if one["kind"] == "pressure-memory"]
    assert [(action["operation"], action["target"]) for action in incident["actions"]] == [
        ("resource/limit-memory", "holder.service"), ("resource/unlimit", "holder.service")], incident


def what_the_whole_machine_lacks_is_seen() -> None:
    """Memory, swap and pressure while a unit is squeezed; processors, load and pressure while four want two of them."""
    settle("[thresholds]\nmemory-low = { available = 99, full = 5 }\npressure-memory = 6\nswap-full = 50\n"
           "pressure-cpu = 40\nload-high = 0.5\ncpu-busy = 80\n")
    Path("/sys/block/zram0/disksize").write_text(str(32 << 20))
    run("mkswap", "/dev/zram0")
    run("swapon", "/dev/zram0")
    assert not seen() & {"memory-low", "pressure-memory", "swap-full"}, seen()
    touch = "import os; held = os.urandom(150 << 20); [max(held) for _ in iter(int, 1)]"
    add_service("squeezed.service", f"/usr/bin/python3 -c '{touch}'", "MemoryHigh=20M")
    short = {"memory-low", "pressure-memory", "swap-full"}
    wait_until(lambda: short <= seen(), "memory, swap and their pressure are seen")
    run("systemctl", "stop", "squeezed.service")
    run("swapoff", "/dev/zram0")
    names = [f"busy-{number}.service" for number in range(4)]
    for name in names:
        add_service(name, "/bin/sh -c 'while :; do :; done'")
    wait_until(lambda: {"pressure-cpu", "load-high", "cpu-busy"} <= seen(), "the load of the processors is seen")
    run("systemctl", "stop", *names)


def what_a_disk_is_slow_or_hot_with_is_seen() -> None:
    """The NVMe disk of the machine does 20 reads a second, says 50 °C and calls 100 °C critical."""
    settle("[thresholds]\npressure-io = 20\n")
    assert not seen() & {"pressure-io", "temperature-high"}, seen()
    settle("[thresholds]\npressure-io = 20\ntemperature-high = 60\n")
    reads = "/usr/bin/dd if=/dev/nvme0n1 of=/dev/null bs=4k iflag=direct"
    names = [f"reads-{number}.service" for number in range(3)]
    for name in names:
        add_service(name, reads)
    wait_until(lambda: pressure("io", "full", "avg10") > 40, "the disk is waited for")
    wait_until(lambda: {"pressure-io", "temperature-high"} <= seen(), "the pressure and the heat are seen")
    [hot] = [one for one in look() if one["kind"] == "temperature-high"]
    assert hot["subject"] == "nvme Composite", hot
    run("systemctl", "stop", *names)


def what_heald_may_not_reach_says_nothing_of_a_unit() -> None:
    """A probe beyond this machine's loopback, first without and then with root's leave: a kernel that filters drops a
    connection without a word, as a unit that hangs does."""
    run("busybox", "ip", "link", "set", "lo", "up")
    run("busybox", "ip", "address", "add", "192.0.2.1/32", "dev", "lo")
    settle('[[probe]]\nunit = "far.service"\nhttp = "http://192.0.2.1:8080/"\nevery = "1s"\ntimeout = "1s"\n')
    add_service("far.service", "/usr/bin/python3 -m http.server --bind 192.0.2.1 8080")
    Path("/etc/heald/helper.toml").write_text('may_restart = ["far.service"]\n')
    run("systemctl", "start", "heald.service")
    wait_until(lambda: "192.0.2.1:8080/ of far.service cannot be asked" in run("journalctl", "--unit=heald.service"),
               "it says that it may not ask")
    time.sleep(10)
    assert "probe-failed" not in run("healctl", "status", check=False)
    Path("/etc/systemd/system/heald.service.d").mkdir(exist_ok=True)
    Path("/etc/systemd/system/heald.service.d/network.conf").write_text("[Service]\nIPAddressAllow=192.0.2.1\n")
    run("systemctl", "daemon-reload")
    run("systemctl", "restart", "heald.service")
    before = show("far.service", "MainPID")
    run("systemctl", "kill", "--signal=STOP", "far.service")
    wait_until(lambda: show("far.service", "MainPID") != before, "far.service is restarted, as it does not answer")
    run("systemctl", "stop", "far.service")


def what_was_killed_for_memory_waits_until_there_is_some() -> None:
    """heald stands back while memory is short, and starts it as soon as it is not."""
    settle('[sense]\ninterval = "2s"\n')
    add_service("squeezed.service", "/usr/bin/python3 -c 'while True: held = b\"x\" * (60 << 20)'", "MemoryHigh=20M")
    wait_until(lambda: pressure("memory", "full", "avg10") > 8, "memory is short")
    add_service("greedy.service", "/bin/sh -c '[ -e /run/fed ] && exec sleep infinity; sleep 1; exec tail /dev/zero'",
                "MemoryMax=24M", "MemorySwapMax=0", "OOMPolicy=kill")
    wait_until(lambda: show("greedy.service", "Result") == "oom-kill", "greedy.service was killed for memory")
    Path("/run/fed").touch()
    run("systemctl", "start", "heald.service")
    wait_until(lambda: reason("greedy.service").startswith("oom: "), "heald stands back, and says why")
    assert show("greedy.service", "ActiveState") == "failed"
    wait_until(lambda: "illed process" in ended_by("greedy.service"), "the kernel's own line about it is told")
    assert ended_by("greedy.service").startswith("the kernel, for want of memory: ")
    run("systemctl", "stop", "squeezed.service")
    wait_until(lambda: show("greedy.service", "ActiveState") == "active", "it is started when there is memory again")


TRIALS = (
    a_killed_service_is_healed, the_helper_s_limits_are_in_force,
    the_helper_sees_what_it_reads_and_none_of_the_kernel_s_switches_is_its, memory_is_limited_and_given_back,
    processor_time_is_limited_and_given_back, heald_limits_who_holds_most_while_others_wait_for_memory,
    what_the_whole_machine_lacks_is_seen, what_a_disk_is_slow_or_hot_with_is_seen,
    what_heald_may_not_reach_says_nothing_of_a_unit,
    what_was_killed_for_memory_waits_until_there_is_some, served.beyond_loopback_metrics_need_root_s_drop_in,
    asleep.nothing_is_healed_while_the_machine_falls_asleep_or_has_just_woken,
    asleep.nothing_is_healed_while_the_machine_goes_down,
)


def main() -> None:
    wait_until(lambda: run("systemctl", "is-system-running", check=False).strip() == "running", "it has booted")
    for trial in TRIALS:
        try:
            trial()
            error = ""
        except Exception:       # noqa: BLE001  whatever it is, it is told, and the next one is tried
            error = traceback.format_exc()
        sys.stdout.write(json.dumps({"trial": trial.__name__, "error": error}) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
