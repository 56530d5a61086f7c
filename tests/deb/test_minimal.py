"""piuparts: both packages in a Debian with nothing else: what they depend on is all they need, and they go again."""

import subprocess
from pathlib import Path

from deb import packages

STARTS = """\
#!/bin/sh
set -e
healctl --version
heald --version
healctl rules >/dev/null
for half in site:heald helper:heald_helper; do
    /usr/bin/python3 -IS - "$half" <<'END'
import importlib, pkgutil, sys
folder, _, name = sys.argv[1].partition(":")
sys.path.insert(0, f"/usr/lib/heald/{folder}")
sys.path += ["/usr/lib/python3/dist-packages"]
for module in pkgutil.walk_packages(importlib.import_module(name).__path__, f"{name}."):
    importlib.import_module(module.name)
END
done
"""
"""Run in it when they are installed: the programs start, and every module finds what it imports."""

SYSTEMD_S = r"(/root/\.ssh|/var/(cache|lib|log)/private|/var/lib/systemd/(coredump|pstore))/"
"""What Debian's systemd itself leaves behind, which is not in so small a Debian before."""


def test_they_are_installed_and_purged(tmp_path: Path) -> None:
    script = tmp_path / "scripts/post_install_starts"
    script.parent.mkdir()
    script.write_text(STARTS)
    script.chmod(0o755)
    done = subprocess.run(
        ["piuparts", "--distribution=bookworm", "--mirror=http://deb.debian.org/debian main", "--allow-database",
         f"--scriptsdir={script.parent}", f"--ignore-regex={SYSTEMD_S}",
         *map(str, packages.build("deb-minimal").glob("*.deb"))],
        capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[done.stdout.find(" ERROR: "):]
    assert "post_install_starts" in done.stdout
