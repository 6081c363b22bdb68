"""The checker of src/rooms finds what it is there to find: each fault is planted in a small tree of its own."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
import rooms  # noqa: E402

RULES = """
# bottom first
base:
net: base
queue: base
queue/backends/sqs: base queue net
gateway: base net queue
apps: *
uses boost/beast: net
uses openvino: queue/engines
"""

FILES = {
    "base/result.h": "#pragma once\n#include <string>\n",
    "net/http.h": '#include <boost/beast/http.hpp>\n#include "base/result.h"\n',
    "queue/queue.h": '#include "base/result.h"\n',
    "queue/backends/sqs/sqs.cc": '#include "net/http.h"\n#include "queue/queue.h"\n',
    "gateway/gateway.cc": '#include "net/http.h"\n#include "queue/queue.h"\n',
    "apps/up.cc": '#include "gateway/gateway.h"\n',
}


@pytest.fixture
def tree(tmp_path):
    """A tree without a fault; `plant` overwrites or adds files and returns the faults found."""
    def plant(files: dict[str, str] | None = None, rules: str = RULES) -> list[str]:
        (tmp_path / "rooms").write_text(rules)
        for path, text in {**FILES, **(files or {})}.items():
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_text(text)
        return rooms.check(tmp_path).faults
    return plant


def test_a_tree_that_keeps_the_rules_has_no_fault(tree):
    assert tree() == []


def test_an_include_of_a_room_above_is_named_with_file_and_line(tree):
    faults = tree({"base/result.h": '#pragma once\n\n#include "net/http.h"\n'})
    assert any(fault.startswith("src/base/result.h:3: base may not include net") for fault in faults)


def test_the_longest_prefix_decides_the_room(tree):
    assert tree({"queue/backends/memory.cc": '#include "net/http.h"\n'}) == [
        "src/queue/backends/memory.cc:1: queue may not include net (src/rooms:5); "
        "take what is needed as a parameter, or move it down to a room that both may include"]


def test_a_room_does_not_reach_its_own_backends(tree):
    faults = tree({"queue/queue.h": '#include "queue/backends/sqs/sqs.h"\n'})
    assert any("queue may not include queue/backends/sqs" in fault for fault in faults)


def test_a_cycle_of_permissions_is_a_fault(tree):
    faults = tree(rules=RULES.replace("net: base", "net: base gateway"))
    assert "src/rooms: rooms may include each other in a circle: net -> gateway -> net; remove one of them" in faults


def test_a_cycle_of_includes_is_a_fault(tree):
    faults = tree({"base/result.h": '#include "net/http.h"\n', "net/http.h": '#include "base/result.h"\n'},
                  rules=RULES.replace("base:\n", "base: net\n", 1))
    assert any(fault.startswith("src: rooms include each other in a circle") for fault in faults)


def test_a_third_party_header_outside_its_room(tree):
    assert tree({"gateway/gateway.cc": "#include <boost/beast/core.hpp>\n"}) == [
        "src/gateway/gateway.cc:1: <boost/beast/core.hpp> may be included by net only; go through their interface"]


def test_uses_may_name_a_folder_below_a_room(tree):
    assert tree({"queue/engines/a.cc": "#include <openvino/openvino.hpp>\n"}) == []
    assert len(tree({"queue/b.cc": "#include <openvino/openvino.hpp>\n"})) == 1


def test_tests_may_include_what_does_not_build_on_their_room(tree):
    assert tree({"gateway/gateway_test.cc": '#include <gtest/gtest.h>\n#include "queue/backends/sqs/sqs.h"\n'}) == []
    assert tree({"net/http_test.cc": '#include "queue/queue.h"\n'}) == []
    faults = tree({"net/http_test.cc": '#include "gateway/gateway.h"\n'})
    assert len(faults) == 1 and "which builds on it" in faults[0]


def test_test_frameworks_stay_in_tests(tree):
    assert len(tree({"net/http.cc": "#include <gtest/gtest.h>\n"})) == 1


def test_a_path_that_no_room_owns(tree):
    assert len(tree({"net/http.cc": '#include "http.h"\n'})) == 1
    assert any("no room owns this file" in fault for fault in tree({"attic/old.cc": "\n"}))


@pytest.mark.parametrize("line", ["net base", "uses: net", "room name: base"])
def test_a_line_that_cannot_be_read_is_a_fault(tree, line):
    assert any("expected `room: rooms`" in fault for fault in tree(rules=RULES + line + "\n"))


def test_an_unknown_room_in_the_rules_is_a_fault(tree):
    assert any("which is no room" in fault for fault in tree(rules=RULES.replace("net: base", "net: base attic")))


def test_the_command_prints_faults_and_exits_1(tree, tmp_path):
    tree({"base/result.h": '#include "net/http.h"\n'})
    done = subprocess.run([sys.executable, ROOT / "tools/rooms.py", "--source", tmp_path], capture_output=True,
                          text=True)
    assert done.returncode == 1 and "src/base/result.h:1: base may not include net" in done.stderr


def test_the_project_itself_keeps_its_rules():
    done = subprocess.run([sys.executable, ROOT / "tools/rooms.py", "--print"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("no cycle\n")
