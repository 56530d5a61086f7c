#!/usr/bin/python3
"""Lays heald out for a store such as Nix's: nix/package.nix runs it once for each PART.

    store.py helper OUT      what root runs: the helper, and the programs of the operations' units
    store.py controller OUT  all else; --helper is where the other part went

    --site    folders of what the part imports beside the standard library, as in PATH
    --shell, --kill  what units say as sh and /bin/kill, which a store has elsewhere
"""

import argparse
import re
import sys
from pathlib import Path

import layout
import running

PREFIX = "@PREFIX@"
ROOT_RUNS = ("/lib/heald/helper/", "/lib/heald/libexec/", "/lib/heald/heald-helper")
"""Below PREFIX: the helper's part."""


def main() -> None:
    parser = argparse.ArgumentParser(description="Lay heald out for a store.")
    parser.add_argument("part", choices=("helper", "controller"))
    parser.add_argument("out", type=Path)
    parser.add_argument("--helper", default="")
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--site", default="")
    parser.add_argument("--shell", default="")
    parser.add_argument("--kill", default="")
    chosen = parser.parse_args()
    site = [folder for folder in chosen.site.split(":") if folder]
    for path, text, mode in layout.contents(PREFIX, chosen.python, own_user=False, site=site):
        place = path.removeprefix(PREFIX).removeprefix("/usr")      # dbus' and polkit's own lie in OUT/share
        if place.startswith(ROOT_RUNS) == (chosen.part == "helper"):
            file = Path(f"{chosen.out}{place}")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(adapt(text, chosen))
            file.chmod(mode)
    # Unchecked: a store's files never change.
    running.run([chosen.python, "-I", "-m", "compileall", "-q", "--invalidation-mode=unchecked-hash",
                 str(chosen.out / "lib/heald")])


def adapt(text: str, chosen: argparse.Namespace) -> str:
    """What the checkout says of /usr, for a store. What is executed lies in it: nowhere else may anything be."""
    out, helper = str(chosen.out), chosen.helper or str(chosen.out)
    code = rf"^(ExecPaths|BindReadOnlyPaths)={PREFIX}/bin .*$"
    text = re.sub(code, rf"\1={chosen.out.parent}", text, flags=re.MULTILINE)
    text = re.sub(r"^(Exec\w+=[-+]?)sh ", rf"\1{chosen.shell} ", text, flags=re.MULTILINE)
    text = text.replace("=/bin/kill ", f"={chosen.kill} ")
    for own in ("/bin/", "/lib/heald/site"):
        text = text.replace(f"{PREFIX}{own}", f"{out}{own}")
    return text.replace(PREFIX, helper)


if __name__ == "__main__":
    main()
