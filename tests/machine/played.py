"""The kernel's figures in a machine: a container may neither limit memory nor have pressure of its own.

The helper's unit is given a tree of files in place of /sys/fs/cgroup. What systemd is asked for, and what it then says
of a unit, is real.
"""

from machine import product
from machine.machine import Machine

TREE = "/run/played-cgroups"
MIB = 1 << 20


def play(machine: Machine) -> None:
    """From now on the helper sees our files, and no pressure."""
    machine.write(f"{TREE}/cgroup.controllers", "cpu memory\n")
    press(machine)
    machine.write("/etc/systemd/system/heald-helper.service.d/played.conf",
                  f"[Service]\nBindReadOnlyPaths={TREE}:/sys/fs/cgroup\n")
    machine.run("systemctl", "daemon-reload")
    machine.run("systemctl", "stop", "heald-helper.service")


def press(machine: Machine, memory: float = 0, cpu: float = 0) -> None:
    """The pressure that root sees: full avg10 of memory, some avg60 of the processor. All else is always high."""
    for name, line in (("memory", f"full avg10={memory:.2f} avg60=0.00"), ("cpu", f"some avg10=0.00 avg60={cpu:.2f}")):
        other = "some" if name == "memory" else "full"
        machine.write(f"{TREE}/{name}.pressure", f"{other} avg10=99.00 avg60=99.00 avg300=99.00 total=1\n"
                                                 f"{line} avg300=0.00 total=1\n")


def add_hog(machine: Machine, name: str, mib: int = 100, service: str = "") -> None:
    """A service that runs and, as far as root sees, holds so much memory, a fifth of it shared."""
    product.add_service(machine, name, service=service)
    machine.write(f"{TREE}/system.slice/{name}/memory.stat",
                  f"anon {mib * MIB * 4 // 5}\nfile 99999999999\nkernel 4096\nshmem {mib * MIB // 5}\n")
