"""What the black-box tests share: systems to test (system.py), which end with the test.

A test that only reads, recognises or enrols under names of its own takes `shared_system`, one for each file of tests.
A test that kills, purges, restarts or needs its own profile takes `start_system` and makes one.
"""

import contextlib
import signal
import subprocess
import tempfile
from pathlib import Path

import pytest
from alone import LocalCloud
from system import BINARY, PHOTOS, System


@pytest.fixture(scope="session")
def binary() -> Path:
    assert BINARY.exists(), f"{BINARY} is not built; run ./dev build"
    return BINARY


@contextlib.contextmanager
def maker_of_systems(binary: Path, request: pytest.FixtureRequest):
    """Gives a function that makes systems; ends them all, and shows their logs if a test failed meanwhile."""
    with tempfile.TemporaryDirectory(prefix="facefleet-test-") as folder:
        systems: list[System] = []

        def make(*arguments: str, environment: dict[str, str] | None = None, start: bool = True, ready: bool = True,
                 data: Path | None = None) -> System:
            system = System(binary, data or Path(folder) / str(len(systems)), list(map(str, arguments)),
                            environment or {})
            systems.append(system)
            return system.start(ready) if start else system

        failed_before = request.session.testsfailed
        try:
            yield make
        finally:
            for system in reversed(systems):  # one that shares a folder with an earlier one ends first
                try:
                    system.stop()
                except subprocess.TimeoutExpired:
                    print(f"up did not end within 10 s of SIGTERM; it was killed ({system.data})")
                if request.session.testsfailed > failed_before and system.log.exists():
                    print(f"--- log of {system.data}\n{system.log.read_text()[-8000:]}")


@pytest.fixture
def cloud(binary, tmp_path):
    """The local cloud's doors, alone, of this test."""
    started = LocalCloud(binary, tmp_path / "cloud")
    yield started
    started.end(signal.SIGKILL)


@pytest.fixture
def start_system(binary, request):
    """A function: start_system(*flags of up, environment=…, ready=…) -> System, of this test alone."""
    with maker_of_systems(binary, request) as make:
        yield make


@pytest.fixture(scope="module")
def start_file_system(binary, request):
    """As start_system, of all tests of a file."""
    with maker_of_systems(binary, request) as make:
        yield make


@pytest.fixture(scope="module")
def shared_system(start_file_system):
    """One system for all tests of a file, with the test photos' people enrolled."""
    system = start_file_system()
    system.enrol(PHOTOS / "people")
    return system


@pytest.fixture(scope="session")
def photos() -> Path:
    """Photos with clear terms: people/<person>/ (enrolled in `shared_system`), probes/<person>.jpg, more/."""
    assert PHOTOS.is_dir(), f"{PHOTOS} is not there; run ./dev build"
    return PHOTOS
