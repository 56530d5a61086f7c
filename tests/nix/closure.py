"""Systems as NixOS has them, as far as heald meets them, built and switched to in a machine.

A system here is a derivation with its units and a switch-to-configuration of its own, which does what NixOS' own does
to /run/current-system, the units and /boot: nothing is downloaded, and what it needs is of the machine.
"""

from collections.abc import Mapping

from machine import product
from machine.machine import Machine

PROFILE = "/nix/var/nix/profiles/system"
MARKS = "/var/lib/heald-helper"         # root's: known-good, known-bad
CONF = "build-users-group =\nsandbox = false\nsubstituters =\nexperimental-features = nix-command\n"

SWITCH = """\
#!/bin/sh
# switch-to-configuration: ACTION is switch or boot.
set -u
out=$(dirname "$(dirname "$(readlink -f "$0")")")
mkdir -p /run/nixos
[ "${LOCKED:-}" ] || LOCKED=1 exec flock --nonblock /run/nixos/switch-to-configuration.lock "$0" "$@"
echo "$1 $out" >> /var/log/switched
ls /nix/var/nix/profiles | sed -n 's/^system-\\\\([0-9]*\\\\)-link$/\\\\1/p' > /boot/menu
for kernel in /boot/kernel-*; do rm -f "$kernel"; done
for number in $(cat /boot/menu); do head -c 1M /dev/zero > "/boot/kernel-$number" || exit 1; done
[ "$1" != boot ] || exit 0
code=$(cat "$out/code")
[ "$code" = 0 ] || [ "$code" = 4 ] || exit "$code"
changed=
for unit in "$out"/etc/systemd/system/*.service; do
    [ -e "$unit" ] || continue
    cmp -s "$unit" "/etc/systemd/system/${unit##*/}" && continue
    ln -sfn "$unit" /etc/systemd/system/
    changed="$changed ${unit##*/}"
done
ln -sfn "$out" /run/current-system
systemctl daemon-reload
[ -z "$changed" ] || systemctl reset-failed $changed
[ -z "$changed" ] || systemctl restart $changed || code=4
exit "$code"
"""

BUILD = """\
derivation {
  name = "nixos-system-NAME";
  system = builtins.currentSystem;
  builder = "/bin/sh";
  args = [ "-c" ''
    export PATH=/usr/bin:/bin
    mkdir -p $out/bin $out/etc/systemd/system
    cp ${SWITCH} $out/bin/switch-to-configuration
    chmod 755 $out/bin/switch-to-configuration
    echo CODE > $out/code
    UNITS
  '' ];
}
"""


def prepare(machine: Machine) -> None:
    """nix, offline and for root alone."""
    machine.write("/etc/nix/nix.conf", CONF)
    machine.write("/usr/src/switch-to-configuration", SWITCH.replace("\\\\", "\\"))
    machine.run("mkdir", "-p", "/boot", "/run/nixos")


def build(machine: Machine, name: str, units: Mapping[str, str], *, code: int = 0) -> str:
    """A system of this name; its store path. `units` are file names and texts; `code` is what its switch ends with."""
    files = "\n".join(f"cp ${{builtins.toFile \"{file}\" \"{escaped(text)}\"}} $out/etc/systemd/system/{file}"
                      for file, text in units.items())
    text = BUILD.replace("NAME", name).replace("${SWITCH}", "${/usr/src/switch-to-configuration}")
    machine.write("/usr/src/system.nix", text.replace("CODE", str(code)).replace("UNITS", files))
    return machine.run("nix-build", "--no-out-link", "/usr/src/system.nix").stdout.strip()


def escaped(text: str) -> str:
    """As the inside of a string in Nix."""
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def switch(machine: Machine, system: str, *, check: bool = True) -> int:
    """As nixos-rebuild does: a new generation, then its own switch. What that ended with."""
    machine.run("nix-env", "-p", PROFILE, "--set", system)
    return machine.run(f"{PROFILE}/bin/switch-to-configuration", "switch", check=check).returncode


def generations(machine: Machine) -> list[int]:
    """The numbers that there are."""
    names = machine.run("ls", "/nix/var/nix/profiles").stdout.split()
    return sorted(int(name.split("-")[1]) for name in names if name.startswith("system-"))


def current(machine: Machine) -> int:
    """The number that the profile leads to."""
    return int(machine.run("readlink", PROFILE).stdout.split("-")[1])


def system(machine: Machine, number: int, *, code: int = 0, command: str = "/usr/bin/sleep infinity") -> str:
    """A system whose one service says of which it is."""
    unit = f"[Service]\nType=exec\nEnvironment=OF={number}\nExecStart={command}\n"
    return build(machine, str(number), {"web.service": unit}, code=code)


def switched(machine: Machine, *numbers: int) -> None:
    """A machine that was switched to each of these; the last is current, and the first was booted."""
    for number in numbers:
        switch(machine, system(machine, number))
    machine.run("ln", "-sfn", machine.run("readlink", "-f", f"{PROFILE}-1-link").stdout.strip(), "/run/booted-system")


def of(machine: Machine) -> str:
    """Of which system the service is that runs."""
    assert product.state(machine, "web.service") == "active"
    return product.state(machine, "web.service", "Environment").removeprefix("OF=")


def marked(machine: Machine, which: str) -> list[str]:
    return machine.read(f"{MARKS}/{which}").split() if machine.exists(f"{MARKS}/{which}") else []


def mark(machine: Machine, which: str, *numbers: int) -> None:
    machine.write(f"{MARKS}/{which}", "".join(f"{number}\n" for number in numbers))


def fill(machine: Machine, leave: str = "") -> None:
    """Not a byte is left on the store's file system, or so much."""
    machine.run("sh", "-c", "cat /dev/zero > /nix/filler", check=False)
    if leave:
        machine.run("truncate", f"--size=-{leave}", "/nix/filler")
