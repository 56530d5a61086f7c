"""A full /boot, for real: every generation has its kernel there."""

import json

from machine import product
from machine.machine import Machine
from nix import closure
from nix.closure import PROFILE


def test_a_full_boot_is_asked_about_and_dropping_old_generations_frees_it(store: Machine) -> None:
    store.run("mount", "-t", "tmpfs", "-o", "size=10m", "boot", "/boot")
    for number in range(1, 10):
        closure.switch(store, closure.build(store, str(number), {}))
    store.run("ln", "-sfn", store.run("readlink", "-f", PROFILE).stdout.strip(), "/run/booted-system")
    store.run("sh", "-c", f"touch --no-dereference --date='90 days ago' {PROFILE}-*-link")
    store.write("/etc/heald/heald.toml", '[[rule]]\nname = "b"\nkind = "boot-full"\nfor = "0s"\nmode = "ask"\n'
                                         'ladder = ["system/drop-generations"]\n')
    store.run("systemctl", "start", "heald.service")

    def asked() -> list[str]:
        known = json.loads(store.run("healctl", "status", "--json", check=False).stdout or "{}")
        return [i["id"] for i in known.get("incidents", []) if (i["kind"], i["outcome"]) == ("boot-full", "asked")]
    product.wait_until(lambda: bool(asked()), "a person is asked")
    healed = store.run("healctl", "heal", asked()[0], check=False)
    assert healed.returncode == 0, healed.stdout + healed.stderr
    assert "nothing is wrong" in healed.stdout
    assert closure.generations(store) == [5, 6, 7, 8, 9]
    kernels = store.run("sh", "-c", "cd /boot && ls kernel-*").stdout.split()
    assert sorted(kernels) == [f"kernel-{number}" for number in range(5, 10)]
    store.run("systemctl", "stop", "heald.service")
    store.run("umount", "/boot")
