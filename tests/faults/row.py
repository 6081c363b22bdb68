"""What a fault's function gets, and what it returns: one line of the table."""

import dataclasses
import random
import statistics
from pathlib import Path


@dataclasses.dataclass
class Row:
    """What one fault did."""

    cycles: int
    accepted: int
    lost: int
    wrong: int  # deleted and back, wrongly answered, or never asked for
    duplicates: int | None  # nothing: not counted
    latencies_s: list[float]  # of calls while the fault was at work
    quiet_s: list[float]  # of calls before it
    note: str = ""
    broken: list[str] = dataclasses.field(default_factory=list)  # further promises, in words

    @property
    def good(self) -> bool:
        return self.lost == 0 and self.wrong == 0 and self.accepted > 0 and not self.broken

    @property
    def added_p99_ms(self) -> float:
        def p99(values: list[float]) -> float:
            return statistics.quantiles(values, n=100)[98] if len(values) > 1 else 0.0

        return max(0.0, p99(self.latencies_s) - p99(self.quiet_s)) * 1000


@dataclasses.dataclass
class Setting:
    binary: Path
    folder: Path
    chance: random.Random
    cycles: int
    requests: int
