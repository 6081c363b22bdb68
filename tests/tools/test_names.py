"""The checker of names finds what it is there to find."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
import names  # noqa: E402


@pytest.mark.parametrize("name", ["queue_manager.h", "string_utils.cc", "http_impl.h", "client_v2.cc", "new_queue.h",
                                  "FooHelper.js", "test_utils.py"])
def test_file_names_that_do_not_say(name):
    assert len(names.check_file_name(Path("src/queue") / name)) == 1


@pytest.mark.parametrize("name", ["queue.h", "renew_lease.cc", "list_objects_v2.cc", "managed.cc",
                                  "name_test.cc", "news.py"])
def test_file_names_that_do(name):
    assert names.check_file_name(Path("src/queue") / name) == []


@pytest.mark.parametrize("line, word", [
    ("class QueueManager {", "manager"),
    ("class QueueImpl final : public Queue {", "impl"),
    ("struct HttpHelper", "helper"),
    ("enum class CommonKind {", "common"),
    ("using StoreWrapper = Store;", "wrapper"),
    ("template <class T> struct ListUtils {", "utils"),
])
def test_type_names_that_do_not_say(line, word):
    faults = names.check_text(Path("src/a/b.h"), "#pragma once\n" + line + "\n")
    assert len(faults) == 1 and faults[0].startswith("src/a/b.h:2: ") and f"`{word}`" in faults[0]


@pytest.mark.parametrize("line", ["class Queue {", "struct Implement {", "using namespace facefleet;", "class Manager;",
                                  "// a class of Manager would be wrong", "class DurableQueue final : public Queue {"])
def test_lines_without_fault(line):
    assert names.check_text(Path("src/a/b.h"), line) == []


def test_leftovers_and_long_lines():
    assert len(names.check_text(Path("ui/a.js"), "// TO" + "DO later\n")) == 1
    assert len(names.check_text(Path("ui/a.js"), "x" * 121)) == 1
    assert names.check_text(Path("ui/a.js"), "x" * 120) == []
    assert names.check_text(Path("ui/a.js"), "// https://" + "x" * 121) == []


def test_a_room_needs_a_readme(tmp_path):
    (tmp_path / "src/queue/backends/sqs").mkdir(parents=True)
    (tmp_path / "src/rooms").write_text("queue: base\nqueue/backends/sqs: queue\nempty: queue\nuses x: queue\n")
    (tmp_path / "src/queue/queue.cc").touch()
    (tmp_path / "src/queue/backends/sqs/sqs.cc").touch()
    faults, _ = names.check(tmp_path)
    assert len(faults) == 1 and faults[0].startswith("src/queue: this room has no README.md")
    (tmp_path / "src/queue/README.md").touch()
    assert names.check(tmp_path)[0] == []


def test_the_project_itself():
    done = subprocess.run([sys.executable, ROOT / "tools/names.py"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
