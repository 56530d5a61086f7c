"""How long something takes, as a median. Standard library only: it runs inside the machine too."""

import time
from collections.abc import Callable
from statistics import median


def timed(do: Callable[[], object], rounds: int) -> float:
    """Milliseconds, the median of so many."""
    took = []
    for _ in range(rounds):
        began = time.perf_counter()
        do()
        took.append((time.perf_counter() - began) * 1e3)
    return median(took)
