"""clang-tidy runs again on a source exactly when something that it reads has changed."""

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
import tidy  # noqa: E402


@pytest.fixture
def key(tmp_path):
    """The key of a.cc, which includes b.h, which includes c.h; writes the given files first."""
    def of(files: dict[str, str] | None = None, command: bytes = b"g++ a.cc") -> str:
        for name, text in (files or {}).items():
            (tmp_path / name).write_text(text)
        return tidy.Contents(tmp_path).key(tmp_path / "a.cc", b"config", command)
    of({"a.cc": '#include "b.h"\n#include <vector>\n', "b.h": '#include "c.h"\n', "c.h": '#include "b.h"\n', "d.h": ""})
    return of


def test_the_same_bytes_give_the_same_key(key):
    assert key() == key()


@pytest.mark.parametrize("name", ["a.cc", "b.h", "c.h"])
def test_a_change_of_what_it_includes_gives_another(key, tmp_path, name):
    before = key()
    assert key({name: (tmp_path / name).read_text() + "int x;\n"}) != before


def test_another_command_gives_another(key):
    assert key() != key(command=b"g++ -O3 a.cc")


def test_a_header_that_it_does_not_include_does_not_count(key):
    before = key()
    assert key({"d.h": "int x;\n"}) == before
