"""When so many machines are ill that heald waits, and what [fleet] may say."""

from pathlib import Path

import pytest

from heald import config
from heald.errors import HealdError
from heald.fleet import Fleet, Share, held

ON = '[metrics]\nenable = true\n[fleet]\nprometheus = "http://192.0.2.10:9090"\n'


def load(folder: Path, text: str) -> Fleet:
    (folder / "heald.toml").write_text(text)
    return config.load(folder / "heald.toml").fleet


@pytest.mark.parametrize(("ill", "machines", "is_held"), [
    (300, 1000, False),         # at the mark is not above it
    (301, 1000, True),
    (1, 1, False),              # one machine alone is no bad push
    (1, 2, False),
    (2, 2, True),
    (2, 6, True),
    (2, 7, False),
])
def test_above_the_mark_and_not_alone(ill: int, machines: int, is_held: bool) -> None:
    assert bool(held(Share(ill, machines), Fleet())) is is_held


def test_a_person_reads_how_many() -> None:
    assert held(Share(370, 1000), Fleet()).startswith(
        "fleet: 37 % of 1,000 machines have the same issue (more than 30 %): ")
    assert held(Share(304, 1000), Fleet()).startswith("fleet: 30.4 % of 1,000 machines ")


def test_all_may_be_ill_where_the_mark_says_so() -> None:
    assert held(Share(9, 9), Fleet(max_unhealthy=100)) == ""


def test_everything_that_can_be_said(tmp_path: Path) -> None:
    assert load(tmp_path, "") == Fleet()
    assert load(tmp_path, ON + 'max_unhealthy = "2.5 %"\nunreachable = "stand-back"\nsettle = "1min"\n'
                               'labels = { role = "web", env = "" }\n') == Fleet(
        "http://192.0.2.10:9090", 2.5, "stand-back", 60.0, (("env", ""), ("role", "web")))


@pytest.mark.parametrize(("url", "endpoint"), [
    ("http://192.0.2.10:9090/", ("192.0.2.10", 9090)),
    ("https://[2001:db8::1]/prometheus", ("2001:db8::1", 443)),
    ("http://localhost", ("127.0.0.1", 80)),
])
def test_where_prometheus_is(tmp_path: Path, url: str, endpoint: tuple[str, int]) -> None:
    fleet = load(tmp_path, f'[metrics]\nenable = true\n[fleet]\nprometheus = "{url}"\n')
    assert (fleet.prometheus, fleet.endpoint) == (url.rstrip("/"), endpoint)


@pytest.mark.parametrize("value", [
    '""', "9090", '"192.0.2.10:9090"', '"ftp://192.0.2.10"', '"http://prometheus.example.org"', '"http://192.0.2.10:0"',
    '"http://192.0.2.10:99999"', '"http://me:pass@192.0.2.10"', '"http://192.0.2.10/?query=up"', '"http://192.0.2.10/#x"',
    '"http://"', '"http://192.0.2.10/a b"', '"http://192.0.2.10/\\r\\nX: y"', '"http://[::1"',
])
def test_no_such_prometheus(tmp_path: Path, value: str) -> None:
    with pytest.raises(HealdError, match=r'fleet.prometheus: must be such as "http://192.0.2.10:9090", with an'):
        load(tmp_path, f"[metrics]\nenable = true\n[fleet]\nprometheus = {value}\n")


@pytest.mark.parametrize(("line", "said"), [
    ("max_unhealthy = 30", 'fleet.max_unhealthy: must be from "1%" to "100%", such as "30%", not 30'),
    ('max_unhealthy = "0.5%"', 'fleet.max_unhealthy: must be from "1%" to "100%", such as "30%", not "0.5%"'),
    ('max_unhealthy = "101%"', 'fleet.max_unhealthy: must be from "1%" to "100%", such as "30%", not "101%"'),
    ('max_unhealthy = "30"', 'fleet.max_unhealthy: must be from "1%" to "100%", such as "30%", not "30"'),
    ('unreachable = "wait"', 'fleet.unreachable: must be "act" or "stand-back", not "wait"'),
    ("settle = 45", 'fleet.settle: must be from "1s" to "10min", such as "45s", not 45'),
    ('settle = "11min"', 'fleet.settle: must be from "1s" to "10min", such as "45s", not "11min"'),
    ("labels = [1]", 'fleet.labels: must be such as { role = "web" }, not [1]'),
    ("labels = { role = 1 }", "fleet.labels: must be such as { role = \"web\" }, not {'role': 1}"),
    ('labels = { "a-b" = "c" }', 'fleet.labels: "a-b" is no name of a label in Prometheus'),
    ("max_unhealty = 1", 'fleet.max_unhealty: unknown key; did you mean "max_unhealthy"?'),
])
def test_what_cannot_be(tmp_path: Path, line: str, said: str) -> None:
    with pytest.raises(HealdError) as caught:
        load(tmp_path, ON + line)
    assert str(caught.value) == f"{tmp_path}/heald.toml: {said}"


def test_a_machine_that_nobody_sees_would_not_be_counted(tmp_path: Path) -> None:
    with pytest.raises(HealdError, match=r"fleet.prometheus: needs \[metrics\] enable = true"):
        load(tmp_path, ON.replace("true", "false"))


def test_it_is_told_of_the_file_that_asks(tmp_path: Path) -> None:
    (tmp_path / "heald.toml.d").mkdir()
    (tmp_path / "heald.toml.d/fleet.toml").write_text(ON.replace("true", "false"))
    with pytest.raises(HealdError, match=r"heald.toml.d/fleet.toml: fleet.prometheus: needs"):
        load(tmp_path, "")
