"""What the tests on a private bus share: one stage for each file, fresh for each test."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from bus.caller import Caller
from bus.private import HEALD, CannotPlayError, Stage, stage


@pytest.fixture(scope="module")
def played() -> Iterator[Stage]:
    """The bus, the stand-ins, and a helper when it is called."""
    try:
        with tempfile.TemporaryDirectory() as work, stage(Path(work)) as made:
            yield made
    except CannotPlayError as why:
        pytest.skip(str(why))


@pytest.fixture(name="stage")
def fresh_stage(played: Stage) -> Stage:
    """The stage as if nothing had happened."""
    played.fresh()
    return played


@pytest.fixture
def heald(stage: Stage) -> Caller:
    """The controller's user on the bus."""
    return stage.as_user(HEALD)
