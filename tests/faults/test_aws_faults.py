"""AWS's faults in CI, each on a few photos: ./dev faults --only aws runs on more, and makes the table of figures."""

import sys
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "blackbox")]

from aws_faults import AWS_FAULTS, Clouds, run  # noqa: E402
from foreign_system import EMULATORS  # noqa: E402

pytestmark = [pytest.mark.skipif(not EMULATORS.is_dir(), reason="./dev test installs moto"), pytest.mark.timeout(300)]
PHOTOS_ASKED = 40


@pytest.fixture(scope="module")
def clouds(tmp_path_factory):
    with Clouds(tmp_path_factory.mktemp("clouds")) as clouds:
        yield clouds


@pytest.mark.parametrize("name", AWS_FAULTS)
def test_nothing_is_lost_the_cap_holds_and_calls_are_bounded(name, tmp_path, clouds):
    row = run(name, tmp_path, PHOTOS_ASKED, clouds, quick=True)
    print(f"{name}: {row.cycles} times; {row.note}")
    assert (row.lost, row.wrong, row.broken) == (0, 0, []), row.note
    assert row.accepted >= PHOTOS_ASKED
    assert row.cycles > 0, "the fault was never met"
