"""The engine's fault in CI, and the verdict itself: a ledger that is lied to says so. The other faults of ./dev faults
are CI's as tests/blackbox/test_kill.py."""

import random
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "blackbox")]

import faults  # noqa: E402
from ledger import Ledger  # noqa: E402


def test_the_engine_killed_at_random_moments(tmp_path):
    seed = random.SystemRandom().getrandbits(32)
    row = faults.engine(faults.Setting(faults.BINARY, tmp_path, random.Random(f"{seed} engine"), cycles=20, requests=0))
    print(f"seed {seed}: {row}")
    assert (row.lost, row.wrong) == (0, 0), f"seed {seed}: {row.note}"
    assert row.accepted > 200


def test_a_ledger_sees_what_is_lost_back_and_unexpected():
    ledger = Ledger()
    for name in ("kept", "lost", "refused"):
        ledger.attempt(name)
    for name in ("kept", "lost"):
        ledger.accept(name)
    ledger.receive(Ledger.body("kept"))
    assert ledger.lost == {"lost"}
    assert not ledger.back and not ledger.unexpected and ledger.duplicates == 0
    ledger.delete("kept")
    ledger.receive(Ledger.body("kept"))
    assert ledger.back == {"kept"} and ledger.duplicates == 1
    ledger.receive(Ledger.body("nobody"))
    ledger.receive("kept with other bytes")
    assert len(ledger.unexpected) == 2
