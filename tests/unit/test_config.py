"""Configuration: what is read, and the one line that each mistake gets."""

from pathlib import Path

import pytest

from heald import config
from heald.errors import Code, HealdError
from heald.listen import Listen
from heald.model import Category, Mode, Severity
from heald.probes import Probe
from heald.settings import BUILT_IN, Rung, Settings


def load(folder: Path, text: str, **drop_ins: str) -> Settings:
    file = folder / "heald.toml"
    file.write_text(text)
    for name, more in drop_ins.items():
        (folder / "heald.toml.d").mkdir(exist_ok=True)
        (folder / "heald.toml.d" / f"{name}.toml").write_text(more)
    return config.load(file)


def test_nothing_is_the_built_in_settings(tmp_path: Path) -> None:
    assert config.load(tmp_path / "absent.toml") == Settings()


def test_everything_that_can_be_said(tmp_path: Path) -> None:
    settings = load(tmp_path, """
        mode = "ask"
        [sense]
        interval = "1min 30s"
        [thresholds]
        disk-full = { percent = 80, free = "5GiB" }
        [limits]
        incidents_per_hour = 3
        pacing = ["0s", "1m"]
        [[rule]]
        name = "search"
        kind = "unit-failed"
        subject = "opensearch*.service"
        severity = "high"
        for = "30s"
        mode = "auto"
        settle = "60s"
        ladder = ["service/start", { do = "system/run", target = "reindex" }]
    """)
    assert settings.mode is Mode.ASK
    assert settings.interval == 90
    assert (settings.thresholds.disk_percent, settings.thresholds.disk_free) == (80, 5 << 30)
    assert (settings.limits.incidents_per_hour, settings.limits.pacing) == (3, (0, 60))
    rule = settings.rules[0]
    assert (rule.name, rule.wait, rule.settle, rule.source) == ("search", 30, 60, str(tmp_path / "heald.toml"))
    assert rule.ladder == (Rung(Category.SERVICE, "start"), Rung(Category.SYSTEM, "run", "reindex"))
    assert settings.rules[1:] == BUILT_IN
    assert settings.rule("unit-failed", "opensearch-1.service", Severity.HIGH) is rule
    assert settings.rule("unit-failed", "nginx.service", Severity.HIGH) is BUILT_IN[0]
    assert settings.rule("unit-failed", "nginx.service", Severity.MEDIUM).mode is Mode.OBSERVE


def test_metrics(tmp_path: Path) -> None:
    settings = load(tmp_path, """
        [metrics]
        enable = true
        address = "2001:0db8::1"
        port = 9100
        hosts = ["Web1.example.org", "192.0.2.7", "2001:db8:0::7"]
    """, more="[metrics]\nport = 9101\n")
    assert settings.metrics == Listen(
        enable=True, address="2001:db8::1", port=9101, hosts=("web1.example.org", "192.0.2.7", "2001:db8::7"))


@pytest.mark.parametrize(("text", "said"), [
    ("enable = 1", "metrics.enable: must be true or false, not 1"),
    ('address = "web1"', 'metrics.address: must be an address such as "127.0.0.1" or "::1", not "web1"'),
    ("address = 127", 'metrics.address: must be an address such as "127.0.0.1" or "::1", not 127'),
    ("port = 80", "metrics.port: must be a port from 1024 to 65535, not 80"),
    ("port = true", "metrics.port: must be a port from 1024 to 65535, not true"),
    ('port = "9753"', 'metrics.port: must be a port from 1024 to 65535, not "9753"'),
    ('hosts = "web1"', 'metrics.hosts: must be a list such as ["web1.example.org"], not "web1"'),
    ('hosts = ["web1:80"]', 'metrics.hosts: "web1:80" is no name or address; a port is not part of it'),
    ('host = "web1"', 'metrics.host: unknown key; did you mean "hosts"?'),
])
def test_metrics_that_cannot_be(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(HealdError) as caught:
        load(tmp_path, f"[metrics]\n{text}\n")
    assert str(caught.value) == f"{tmp_path}/heald.toml: {said}"


def test_drop_ins_replace_single_values_and_their_rules_come_after(tmp_path: Path) -> None:
    rule = '[[rule]]\nname = "{}"\nkind = "disk-full"\nmode = "observe"\n'
    settings = load(tmp_path, "[sense]\ninterval = '5s'\n" + rule.format("one"), b='mode = "observe"\n',
                    a=rule.format("two"))
    assert (settings.interval, settings.mode) == (5, Mode.OBSERVE)
    assert [r.name for r in settings.rules[:2]] == ["one", "two"]


def test_a_bare_number_replaces_the_first_value(tmp_path: Path) -> None:
    thresholds = load(tmp_path, "[thresholds]\ndisk-full = 70").thresholds
    assert (thresholds.disk_percent, thresholds.disk_free) == (70, 10 << 30)


RULE = '[[rule]]\nname = "x"\nkind = "unit-failed"\n'


@pytest.mark.parametrize(("text", "words"), [
    ("mode =\n", "heald.toml: Invalid value (at line 1"),
    (f"mode = {'9' * 5000}\n", "heald.toml: cannot be read: Exceeds the limit"),
    (f"[thresholds.disk-full]\nfree = '{'9' * 400}'\n", "thresholds.disk-full.free: "),
    (f"[history]\nkeep = '{'9' * 400}d'\n", "history.keep: "),
    ("mod = 'auto'", 'mod: unknown key; did you mean "mode"?'),
    ("mode = 'loud'", 'mode: "loud" is not one of observe, ask, auto'),
    ("mode = 3", "mode: 3 is not one of"),
    ("sense = 3", "sense: must be a table, not 3"),
    ("[sense]\ninterval = 30", 'sense.interval: must be a time span such as "30s", not 30'),
    ("[sense]\ninterval = '30 apples'", 'sense.interval: "30 apples" is not a time span'),
    ("[sense]\ninterval = '10ms'", "less than a second"),
    ("[limits]\nincidents_per_hour = true", "limits.incidents_per_hour: must be a whole number from 1 on, not true"),
    ("[limits]\npacing = []", "limits.pacing: must be a list of time spans"),
    ("[thresholds]\ndisk-ful = 90", 'thresholds.disk-ful: unknown key; did you mean "disk-full"?'),
    ("[thresholds.disk-full]\npercent = 120", "thresholds.disk-full.percent: must be a number from 1 to 100, not 120"),
    ("[thresholds.disk-full]\nfree = 'much'", 'thresholds.disk-full.free: "much" is not a size'),
    ("[rule]\nname = 'x'", "rule: a rule begins with [[rule]]"),
    ("[[rule]]\nkind = 'disk-full'", "rule[1].name: is missing"),
    ("[[rule]]\nname = 'x'", "rule[1].kind: is missing"),
    ("[[rule]]\nname = 'x'\nkind = 'disk-ful'", 'rule[1].kind: "disk-ful" is no kind of issue; did you mean "disk'),
    (RULE + "ladder = ['service/explode']", 'rule[1].ladder: "service/explode" is no operation; known are service'),
    (RULE + "ladder = ['system/run']", 'rule[1].ladder: "system/run" needs a target'),
    (RULE + "ladder = [3]", "rule[1].ladder: 3 is no rung"),
    (RULE + "severity = 'bad'", 'rule[1].severity: "bad" is not one of low, medium, high, critical'),
    (RULE + "sbject = 'a'", 'rule[1].sbject: unknown key; did you mean "subject"?'),
    (RULE + RULE, 'rule[2].name: "x" is taken by a rule in'),
    ("[[rule]]\nname = 'service'\nkind = 'disk-full'", 'rule[1].name: "service" is taken by a built-in rule'),
    ("[probe]\nunit = 'a.service'", "probe: a probe begins with [[probe]]"),
    ("[[probe]]\ntcp = '127.0.0.1:1'", "probe[1].unit: is missing"),
    ("[[probe]]\nunit = 'nginx'\nunix = '/x'",
     'probe[1].unit: must be the full name of a unit such as "nginx.service"'),
    ("[[probe]]\nunit = 'a.service'", "probe[1]: needs one of http, tcp, unix, not none"),
    ("[[probe]]\nunit = 'a.service'\nunix = '/x'\ntcp = '127.0.0.1:1'",
     "probe[1]: needs one of http, tcp, unix, not tcp and unix"),
    ("[[probe]]\nunit = 'a.service'\nhttp = 'https://x'", 'probe[1].http: must be such as "http://127.0.0.1/health"'),
    ("[[probe]]\nunit = 'a.service'\nunix = '/x'\nevry = '1s'", 'probe[1].evry: unknown key; did you mean "every"?'),
    ("[limits]\npacing = ['0s', '99999999w']", 'limits.pacing: "99999999w" is more than a year'),
    ('"a\\nb" = 1', "a\\nb: unknown key"),
    ("x = " + "[" * 5000 + "]" * 5000, "cannot be read: "),
])
def test_a_mistake_is_one_line_with_file_and_key(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(HealdError) as caught:
        load(tmp_path, text)
    line = str(caught.value)
    assert words in line
    assert line.startswith(f"{tmp_path}/heald.toml: ")
    assert "\n" not in line
    assert caught.value.code is Code.CONFIG
    assert caught.value.exit_code == 2


def test_probes_of_all_files_count(tmp_path: Path) -> None:
    probe = "[[probe]]\nunit = 'a.service'\n"
    settings = load(tmp_path, probe + "tcp = '127.0.0.1:1'\nevery = '5s'\ntimeout = '1s'\n", b=probe + "unix = '/x'\n")
    assert settings.probes == (Probe("a.service", "tcp", "127.0.0.1:1", 5, 1), Probe("a.service", "unix", "/x", 10, 3))


def test_a_folder_that_cannot_be_read_is_not_an_empty_one(tmp_path: Path) -> None:
    (tmp_path / "heald.toml.d").write_text("")          # not even a folder
    with pytest.raises(HealdError, match=r"heald\.toml\.d: cannot be read: Not a directory"):
        config.load(tmp_path / "heald.toml")


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "heald.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(HealdError, match="cannot be read"):
        config.load(tmp_path / "heald.toml")
