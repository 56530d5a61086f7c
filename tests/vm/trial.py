"""What is tried in the virtual machine, as root: each trial's end is printed as a line of JSON.

Standard library only: it runs with the machine's own Python. A trial fails by raising.
"""

import json
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

CGROUP = Path("/sys/fs/cgroup/system.slice")
PATIENCE = 240              # seconds; without hardware acceleration everything takes 15 times as long


def run(*command: str, check: bool = True) -> str:
    """What a command printed."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert not check or done.returncode == 0, f"{' '.join(command)}: {done.returncode} {done.stdout}{done.stderr}"
    return done.stdout


def show(unit: str, what: str) -> str:
    return run("systemctl", "show", f"--property={what}", "--value", unit).strip()


def wait_until(holds: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end, f"it is still not so that {what}"
        time.sleep(0.2)


def add_service(name: str, command: str, *lines: str) -> None:
    text = "\n".join(["[Service]", f"ExecStart={command}", *lines])
    Path(f"/etc/systemd/system/{name}").write_text(f"{text}\n")
    run("systemctl", "daemon-reload")
    run("systemctl", "start", name)


def heal(method: str, operation: str, target: str) -> str:
    """Asks the helper as `_heald`; what busctl printed, or its error."""
    done = subprocess.run(
        ["setpriv", "--reuid=_heald", "--regid=_heald", "--init-groups", "busctl", "call", "--timeout=120",
         "org.heald.Helper1", "/org/heald/Helper1", "org.heald.Helper1", method, "ssa{sv}", operation, target, "0"],
        capture_output=True, text=True, check=False)
    return done.stdout or done.stderr


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


def pressure(controller: str, line: str, average: str) -> float:
    """Per cent of the time that the whole machine was held up."""
    lines = Path(f"/sys/fs/cgroup/{controller}.pressure").read_text().splitlines()
    [words] = [words for words in map(str.split, lines) if words[0] == line]
    return float(dict(word.split("=") for word in words[1:])[average])


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


def settle(text: str) -> None:
    """heald's own file, and no daemon that reads it."""
    run("systemctl", "stop", "heald.service")
    Path("/etc/heald").mkdir(exist_ok=True)
    Path("/etc/heald/heald.toml").write_text(text)


def seen() -> set[str]:
    """The kinds of issue that one look finds."""
    return {issue["kind"] for issue in json.loads(run("healctl", "check", "--json", check=False))["issues"]}


def what_the_whole_machine_lacks_is_seen() -> None:
    """Memory, swap and pressure while a unit is squeezed; processors, load and pressure while four want two of them."""
    settle("[thresholds]\nmemory-low = { available = 99, full = 5 }\npressure-memory = 6\nswap-full = 50\n"
           "pressure-cpu = 40\nload-high = 0.5\n")
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
    wait_until(lambda: {"pressure-cpu", "load-high"} <= seen(), "the load of the processors is seen")
    run("systemctl", "stop", *names)


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

    def reason() -> str:
        known = json.loads(run("healctl", "status", "--json", check=False) or '{"incidents": []}')
        return "".join(one["reason"] for one in known["incidents"] if one["subject"] == "greedy.service")
    wait_until(lambda: reason().startswith("oom: "), "heald stands back, and says why")
    assert show("greedy.service", "ActiveState") == "failed"
    run("systemctl", "stop", "squeezed.service")
    wait_until(lambda: show("greedy.service", "ActiveState") == "active", "it is started when there is memory again")


def beyond_loopback_metrics_need_root_s_drop_in() -> None:
    """The kernel filters what the unit sends and gets by the address of the other side."""
    asked = ("curl", "--silent", "--max-time", "10", "http://192.0.2.7:9753/health")
    run("ip", "link", "set", "lo", "up")
    run("ip", "address", "add", "192.0.2.7/32", "dev", "lo")
    settle('[metrics]\nenable = true\naddress = "192.0.2.7"\n')
    run("systemctl", "start", "heald.service")
    wait_until(lambda: ":9753" in run("ss", "--listening", "--tcp", "--numeric"), "it listens")
    assert run(*asked, check=False) == ""
    drop_in = Path("/etc/systemd/system/heald.service.d/network.conf")
    drop_in.parent.mkdir()
    drop_in.write_text("[Service]\nIPAddressAllow=192.0.2.7\n")
    run("systemctl", "daemon-reload")
    run("systemctl", "restart", "heald.service")
    wait_until(lambda: '"status": "ok"' in run(*asked, check=False), "it answers")


TRIALS = (
    a_killed_service_is_healed, the_helper_s_limits_are_in_force, memory_is_limited_and_given_back,
    processor_time_is_limited_and_given_back, heald_limits_who_holds_most_while_others_wait_for_memory,
    what_the_whole_machine_lacks_is_seen, what_was_killed_for_memory_waits_until_there_is_some,
    beyond_loopback_metrics_need_root_s_drop_in,
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
