"""nix/module.nix on the stand-in for NixOS' module system: defaults, every option, every assertion."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from heald import config
from heald.copies import Copies
from heald.errors import HealdError
from heald.fleet import Fleet
from heald.keeping import Keeping
from heald.listen import Listen
from heald.model import Category, Mode, Severity
from heald.probes import Probe
from heald.settings import BUILT_IN, Limits, Rule, Rung, Settings
from heald_helper import settings as root
from nixos.conftest import ROOT, Nix

WORDS = re.compile(r"known are ([\w, -]+)$")


def evaluated(nix: Nix, configuration: str, what: str) -> Any:
    """One attribute of what tests/nixos/evaluate.nix makes of services.heald = { CONFIGURATION }."""
    found = attempted(nix, configuration, what)
    assert isinstance(found, dict), found
    return found["value"]


def attempted(nix: Nix, configuration: str, what: str) -> dict[str, Any] | str:
    """The same, or what Nix complains of."""
    asked = f"(import ./tests/nixos/evaluate.nix {{ configuration = {{ {configuration} }}; }}).{what}"
    done = nix.run("nix-instantiate", "--eval", "--strict", "--json", "--expr", asked, check=False)
    return {"value": json.loads(done.stdout)} if done.returncode == 0 else done.stderr


def on(more: str) -> str:
    return f"services.heald = {{ enable = true; {more} }};"


def settings_of(nix: Nix, folder: Path, more: str) -> Settings:
    """What heald itself makes of the file that the module writes."""
    file = folder / "heald.toml"
    file.write_text(evaluated(nix, on(more), "controller"))
    return config.load(file)


def test_off_it_does_nothing(nix: Nix) -> None:
    assert evaluated(nix, "", "systemd") == {
        "package": "/nix/store/systemd", "packages": [], "services": {}, "timers": {}, "user": {"services": {}}}
    assert evaluated(nix, "", "users") == {"groups": {}, "users": {}}


def test_on_nothing_but_the_built_in_values_is_set(nix: Nix, tmp_path: Path) -> None:
    assert settings_of(nix, tmp_path, "") == Settings()
    (tmp_path / "helper.toml").write_text(evaluated(nix, on(""), "root"))
    assert root.load(f"{tmp_path}/helper.toml") == (root.Settings(), "")
    assert evaluated(nix, on(""), "refused") == []
    assert evaluated(nix, on(""), "security") == {"polkit": {"enable": True}}
    assert evaluated(nix, on(""), "networking") == {"firewall": {"allowedTCPPorts": []}}
    assert evaluated(nix, on(""), "dbus") == ["/nix/store/heald"]
    assert evaluated(nix, on(""), "environment.systemPackages") == ["/nix/store/heald"]
    users = evaluated(nix, on(""), "users")
    assert users["groups"].keys() == users["users"].keys() == {"_heald", "_heald-helper"}
    assert all(user["isSystemUser"] and user["group"] == name for name, user in users["users"].items())


def test_the_units_of_the_package_are_told_when_to_start_and_not_to_restart(nix: Nix) -> None:
    systemd = evaluated(nix, on(""), "systemd")
    assert systemd["packages"] == ["/nix/store/heald"]
    brought = {path.stem for path in ROOT.glob("systemd/heald*.service")} - {"heald-session"}
    assert systemd["services"].keys() == brought
    heald = systemd["services"].pop("heald")
    assert (heald["wantedBy"], heald["restartIfChanged"]) == (["multi-user.target"], True)
    assert heald["reloadTriggers"] == [evaluated(nix, on(""), "controller")]
    for name, service in systemd["services"].items():
        assert (service["wantedBy"], service["restartIfChanged"]) == ([], False), name
        assert service["path"] == ["/nix/store/systemd", "/nix/store/nix", "/nix/store/util-linux"], name
    timers = {path.stem for path in ROOT.glob("systemd/heald*.timer") if not path.stem.endswith("@")}
    assert systemd["timers"] == {name: {"wantedBy": ["timers.target"]} for name in timers}


def test_every_setting_arrives(nix: Nix, tmp_path: Path) -> None:
    settings = settings_of(nix, tmp_path, """
        settings = {
          mode = "ask";
          sense.interval = "1min 30s";
          thresholds = { disk-full = { percent = 80; free = "5GiB"; }; load-high = 2.5; };
          limits = { incidents_per_hour = 3; rollbacks_per_day = 1; pacing = [ "0s" "1m" ]; };
          metrics.hosts = [ "web1" ];
          backup = { paths = [ "~/letters" ]; target = "/media/backup"; keep = 2; };
          history = { keep = "90d"; size = "64MiB"; };
          fleet = { prometheus = "http://192.0.2.10:9090"; max_unhealthy = "20%"; unreachable = "stand-back";
                    settle = "1min"; labels = { role = "web"; }; };
        };
        metrics = { enable = true; address = "192.0.2.7"; port = 9100; };
        rules = [
          { name = "search"; kind = "unit-failed"; subject = "open*.service"; severity = "high"; for = "30s";
            mode = "auto"; settle = "1m"; ladder = [ "service/start" { do = "system/run"; target = "reindex"; } ]; }
          { name = "leave it"; kind = "disk-full"; mode = "observe"; }
        ];
        probes = [ { unit = "nginx.service"; http = "http://127.0.0.1/health"; every = "5s"; timeout = "1s"; } ];
    """)
    built_in = Settings()
    assert settings == replace(
        built_in, mode=Mode.ASK, interval=90,
        thresholds=replace(built_in.thresholds, disk_percent=80, disk_free=5 << 30, load=2.5),
        limits=replace(Limits(), incidents_per_hour=3, kept_for_new=3, rollbacks_per_day=1, pacing=(0, 60)),
        metrics=Listen(enable=True, address="192.0.2.7", port=9100, hosts=("web1",)),
        backup=Copies(("~/letters",), "/media/backup", 2), history=Keeping(90 * 86400, 64 << 20),
        fleet=Fleet("http://192.0.2.10:9090", 20.0, "stand-back", 60.0, (("role", "web"),)),
        probes=(Probe("nginx.service", "http", "http://127.0.0.1/health", 5, 1),),
        rules=(Rule("search", "unit-failed", "open*.service", Severity.HIGH, Mode.AUTO,
                    (Rung(Category.SERVICE, "start"), Rung(Category.SYSTEM, "run", "reindex")), 30, 60,
                    str(tmp_path / "heald.toml")),
               Rule("leave it", "disk-full", mode=Mode.OBSERVE, source=str(tmp_path / "heald.toml")), *BUILT_IN))


def test_what_root_allows_arrives(nix: Nix, tmp_path: Path) -> None:
    (tmp_path / "helper.toml").write_text(evaluated(nix, on("""
        autoRollback = true;
        protectedUnits = [ "postgresql*.service" ];
        mayRestart = [ "nginx.service" "*" ];
        keepGenerations = 9;
        rootSettings = { run = [ "reindex" ]; keep_days = 7; marks.disk = 70; limits.burst = 2; };
    """), "root"))
    assert root.load(f"{tmp_path}/helper.toml") == (root.Settings(
        protected=("postgresql*.service",), may_restart=("nginx.service", "*"), run=("reindex",), auto_rollback=True,
        keep_generations=9, keep_days=7, disk=70, burst=2), "")


def test_metrics_beyond_loopback(nix: Nix) -> None:
    away = on('metrics = { enable = true; address = "192.0.2.7"; port = 9100; openFirewall = true; };')
    assert evaluated(nix, away, "refused") == []
    assert evaluated(nix, away, "networking.firewall.allowedTCPPorts") == [9100]
    assert evaluated(nix, away, "systemd.services.heald.serviceConfig") == {"IPAddressAllow": ["any"]}
    here = on('metrics = { enable = true; address = "127.0.0.2"; };')
    assert evaluated(nix, here, "systemd.services.heald.serviceConfig") == {}


def test_the_desktop_session_s_part(nix: Nix) -> None:
    there = (ROOT / "systemd/heald-session.service").exists()
    assert (evaluated(nix, on("session.enable = true;"), "refused") == []) is there
    wanted = {"heald-session": {"wantedBy": ["graphical-session.target"]}}
    assert evaluated(nix, on("session.enable = true;"), "systemd.user.services") == wanted
    assert evaluated(nix, on(""), "systemd.user.services") == {}


def test_another_package(nix: Nix) -> None:
    other = on('package = { type = "derivation"; outPath = "/nix/store/other"; };')
    assert evaluated(nix, other, "environment.systemPackages") == ["/nix/store/other"]


RULE = 'name = "x"; kind = "disk-full"; '
ASSERTIONS = [
    ('rules = [ { kind = "disk-full"; } ];', "each needs a name and a kind of issue"),
    (f"rules = [ {{ {RULE} }} {{ {RULE} }} ];", 'each name only once; given are "x", "x"'),
    ('probes = [ { unit = "a.service"; } ];', 'each needs a unit, and one of "http", "tcp", "unix"'),
    ('probes = [ { unit = "a.service"; tcp = "127.0.0.1:1"; unix = "/x"; } ];', "each needs a unit, and one of"),
    (f"settings.rule = [ {{ {RULE} }} ];", "write services.heald.rules and services.heald.probes instead"),
    ('mayRestart = [ "nginx" ]; protectedUnits = [ "a.socket" ];', '"nginx" match no unit; write full names'),
    ("metrics.openFirewall = true;", "nobody can get there; set metrics.enable, and an address of this machine"),
    ("metrics = { enable = true; openFirewall = true; };", "nobody can get there"),
    ('metrics.address = "web1";', 'metrics.address: "web1" is no address; a name could come to mean'),
    ("autoRollback = true; }; boot = { isContainer = true;", "a container has no generations of its own"),
]


@pytest.mark.parametrize(("configuration", "said"), ASSERTIONS)
def test_what_cannot_be_is_refused_in_words(nix: Nix, configuration: str, said: str) -> None:
    [message] = evaluated(nix, on(configuration), "refused")
    assert said in message
    assert message.startswith("services.heald")


def test_every_assertion_is_tested(nix: Nix) -> None:
    """Each is the one that does not hold in one of the cases above; that of the session has a test of its own."""
    tried = [evaluated(nix, on(text), "holds") for text, _ in ASSERTIONS]
    assert all(holds.count(False) == 1 for holds in tried)
    assert {holds.index(False) for holds in tried} == set(range(len(tried[0]) - 1))


@pytest.mark.parametrize(("configuration", "said"), [
    ('settings.mode = "loud";', r"services.heald.settings.mode' is not of type"),
    ('settings.sense.interval = 30;', r"settings.sense.interval' is not of type"),
    ('settings.thresholds.disk-full = "90";', r"settings.thresholds.disk-full' is not of type"),
    ('settings.thresholds.disk-full.free = 10;', r"disk-full.free' is not of type"),
    ("settings.limits.incidents_per_hour = 0;", r"limits.incidents_per_hour' is not of type"),
    ("metrics.port = 80;", r"services.heald.metrics.port' is not of type"),
    ("keepGenerations = 0;", r"services.heald.keepGenerations' is not of type"),
    ('rules = [ { severity = "bad"; } ];', r"severity' is not of type"),
    ("enabled = true;", r"The option `services.heald.enabled' does not exist"),
])
def test_a_wrong_value_or_name_ends_the_evaluation(nix: Nix, configuration: str, said: str) -> None:
    found = attempted(nix, on(configuration), "environment")
    assert isinstance(found, str)
    assert said in found


def known(folder: Path, text: str) -> set[str]:
    """The keys that heald knows where `text` has one that nobody knows."""
    (folder / "heald.toml").write_text(text)
    with pytest.raises(HealdError) as caught:
        config.load(folder / "heald.toml")
    found = WORDS.search(str(caught.value))
    assert found, caught.value
    return set(found[1].split(", "))


def test_the_options_are_the_keys_that_heald_knows(nix: Nix, tmp_path: Path) -> None:
    options = evaluated(nix, "", "options")
    settings = options["settings"]
    assert settings.keys() | {"rule", "probe"} == known(tmp_path, "QQQQ = 1")
    assert options["rules"].keys() == known(tmp_path, "[[rule]]\nQQQQ = 1")
    assert options["probes"].keys() == known(tmp_path, "[[probe]]\nQQQQ = 1")
    assert options["metrics"].keys() - {"openFirewall"} | settings["metrics"].keys() == known(
        tmp_path, "[metrics]\nQQQQ = 1")
    for table in settings.keys() - {"mode", "metrics"}:
        assert settings[table].keys() == known(tmp_path, f"[{table}]\nQQQQ = 1"), table
    for kind, keys in settings["thresholds"].items():
        assert keys.keys() == known(tmp_path, f"[thresholds.{kind}]\nQQQQ = 1"), kind


def test_every_option_is_described(nix: Nix) -> None:
    table = [line for line in (ROOT / "docs/nixos.md").read_text().splitlines() if line.startswith("| `")]
    described = {word.split(".")[-1] for line in table for word in re.findall(r"`([\w.]+)`", line.split("|")[1])}
    options = evaluated(nix, "", "options")
    tables = {"metrics", "session"}
    assert described == (options.keys() - tables).union(*(options[table] for table in tables))
