"""A thousand exporters' worth of series in the real Prometheus, and a bad push to all of them, in short."""

from pathlib import Path

from fleet.measured import measure
from fleet.simulated import Push, told

MARK = 300          # of a thousand, the built-in 30 %


def test_an_exporter_that_is_played_says_what_heald_s_says() -> None:
    text = told((("shop.service", ("stood-back", "fleet")),)).decode()
    assert 'heald_issue_info{kind="unit-failed",name="shop.service"} 1.0' in text
    assert 'outcome="stood-back",reason="fleet"} 1.7956512e+09' in text


def test_a_push_to_a_thousand_machines_is_held_and_told_once(tmp_path: Path) -> None:
    """All at once, and one machine after the other: no more act than the mark lets, the others stand back."""
    found = measure(tmp_path, 1000, 4, [Push(0, 12), Push(20, 12)], group_wait="1s", group_interval="1s")
    assert found["series"] > 100_000
    for push in found["pushes"]:
        assert push["acted"] <= MARK
        assert push["acted"] + push["held"] >= 1000
        assert push["told_times"] == 1
    assert found["questions"] >= 1000
