#!/usr/bin/env python3
"""Checks every #include under src/ against src/rooms, which says who may include whom.

    tools/rooms.py            check; exit status 1 and one line per fault if there is any
    tools/rooms.py --print    also print the graph of what is really included, layer by layer

A room is a folder; a file belongs to the room with the longest name that is a prefix of its path. Tests may include,
beside what their room may, every room that does not build on theirs.
"""

import argparse
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path

SOURCE_SUFFIXES = {".cc", ".h"}
TEST_FILE = re.compile(r"(_test\.cc|_bench\.cc|_contract\.h|/test_\w+\.h|/testing\.h)$")
TEST_FRAMEWORKS = ("gtest", "gmock", "benchmark")
INCLUDE = re.compile(r'^\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)')


@dataclass
class Rules:
    """src/rooms, parsed. `allowed` keeps the order of the file: bottom first."""

    allowed: dict[str, list[str]] = field(default_factory=dict)
    uses: dict[str, list[str]] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    def may_include(self, room: str, other: str) -> bool:
        return room == other or other in self.allowed[room] or "*" in self.allowed[room]

    def room_of(self, path: str) -> str | None:
        """The room that owns `path` (relative to src/), or None."""
        owners = [room for room in self.allowed if path.startswith(room + "/")]
        return max(owners, key=len, default=None)

    def dependencies(self, room: str) -> list[str]:
        if "*" in self.allowed[room]:
            return [other for other in self.allowed if other != room]
        return self.allowed[room]

    def builds_on(self, room: str, other: str) -> bool:
        """Whether `room` may include `other`, itself or by way of what it may include."""
        found: set[str] = set()
        left = [room]
        while left:
            if (next_room := left.pop()) not in found:
                found.add(next_room)
                left += self.dependencies(next_room)
        return other in found


def parse_rules(text: str, name: str = "src/rooms") -> Rules:
    rules = Rules()
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.split("#", 1)[0].strip()
        if not line:
            continue
        head, colon, tail = line.partition(":")
        words = head.split()
        if not colon or not words or (len(words) == 2) != (words[0] == "uses") or len(words) > 2:
            rules.faults.append(f"{name}:{number}: expected `room: rooms` or `uses header: rooms`, found `{line}`")
        elif words[0] == "uses":
            rules.uses[words[1]] = tail.split()
        elif words[0] in rules.allowed:
            rules.faults.append(f"{name}:{number}: room {words[0]} is listed twice; keep one of the two lines")
        else:
            rules.allowed[words[0]] = tail.split()
            rules.lines[words[0]] = number
    for room, others in rules.allowed.items():
        for other in others:
            if other != "*" and other not in rules.allowed:
                rules.faults.append(f"{name}:{rules.lines[room]}: {room} may include {other}, which is no room")
                rules.allowed[room] = [known for known in others if known == "*" or known in rules.allowed]
    return rules


def find_cycle(graph: dict[str, list[str]]) -> list[str] | None:
    """Some cycle of `graph` as [a, b, …, a], or None. Depth first; grey nodes are on the current path."""
    grey: list[str] = []
    black: set[str] = set()

    def visit(node: str) -> list[str] | None:
        if node in black:
            return None
        if node in grey:
            return grey[grey.index(node):] + [node]
        grey.append(node)
        for other in graph.get(node, []):
            if cycle := visit(other):
                return cycle
        grey.pop()
        black.add(node)
        return None

    for node in graph:
        if cycle := visit(node):
            return cycle
    return None


def check_room_include(rules: Rules, room: str, path: str, included: str, where: str) -> str | None:
    other = rules.room_of(included)
    if other is None:
        return f'{where}: "{included}" is in no room; write the path from src/, as in "base/result.h"'
    if rules.may_include(room, other):
        return None
    if TEST_FILE.search(path):
        if not rules.builds_on(other, room):
            return None
        return f"{where}: a test of {room} may not include {other}, which builds on it; move the test to {other}"
    return (f"{where}: {room} may not include {other} (src/rooms:{rules.lines[room]}); "
            f"take what is needed as a parameter, or move it down to a room that both may include")


def check_system_include(rules: Rules, path: str, header: str, where: str) -> str | None:
    if header.startswith(TEST_FRAMEWORKS) and not TEST_FILE.search(path):
        return f"{where}: <{header}> belongs in tests (*_test.cc, *_bench.cc, *_contract.h, test_*.h)"
    matching = [prefix for prefix in rules.uses if header.startswith(prefix)]
    if not matching:
        return None
    homes = rules.uses[max(matching, key=len)]
    if any(path == home or path.startswith(home + "/") for home in homes):
        return None
    return f"{where}: <{header}> may be included by {', '.join(homes)} only; go through their interface"


@dataclass
class Report:
    rules: Rules
    faults: list[str]
    edges: dict[str, set[str]]  # who really includes whom, tests left out
    files: int


def check(source: Path) -> Report:
    rules = parse_rules((source / "rooms").read_text())
    faults = list(rules.faults)
    edges: dict[str, set[str]] = {room: set() for room in rules.allowed}
    declared = {room: rules.dependencies(room) for room in rules.allowed}
    if cycle := find_cycle(declared):
        faults.append(f"src/rooms: rooms may include each other in a circle: {' -> '.join(cycle)}; remove one of them")
    files = sorted(file for file in source.rglob("*") if file.suffix in SOURCE_SUFFIXES)
    for file in files:
        path = file.relative_to(source).as_posix()
        room = rules.room_of(path)
        if room is None:
            faults.append(f"src/{path}:1: no room owns this file; move it, or add its folder to src/rooms")
            continue
        for number, line in enumerate(file.read_text().splitlines(), start=1):
            found = INCLUDE.match(line)
            if not found:
                continue
            ours, theirs = found.groups()
            where = f"src/{path}:{number}"
            fault = (check_room_include(rules, room, path, ours, where) if ours
                     else check_system_include(rules, path, theirs, where))
            if fault:
                faults.append(fault)
            elif ours and not TEST_FILE.search(path):
                edges[room].add(rules.room_of(ours))
    for room in edges:
        edges[room].discard(room)
    if cycle := find_cycle({room: sorted(others) for room, others in edges.items()}):
        faults.append(f"src: rooms include each other in a circle: {' -> '.join(cycle)}")
    return Report(rules, faults, edges, len(files))


def layers(edges: dict[str, set[str]]) -> list[list[str]]:
    """Rooms by the length of the longest chain of includes below them; `edges` has no cycle."""
    height: dict[str, int] = {}

    def measure(room: str) -> int:
        if room not in height:
            height[room] = 1 + max((measure(other) for other in edges[room]), default=-1)
        return height[room]

    for room in edges:
        measure(room)
    return [[room for room in edges if height[room] == level] for level in range(max(height.values(), default=-1) + 1)]


def print_graph(report: Report) -> None:
    for level, rooms in reversed(list(enumerate(layers(report.edges)))):
        print(f"layer {level}")
        for room in rooms:
            print(f"    {room:<22} -> {' '.join(sorted(report.edges[room])) or '(nothing)'}")
    print(f"{len(report.edges)} rooms, {sum(map(len, report.edges.values()))} edges, no cycle")


def main() -> int:
    parser = argparse.ArgumentParser(description="Check who includes whom against src/rooms.")
    parser.add_argument("--source", type=Path, default=Path(__file__).resolve().parent.parent / "src")
    parser.add_argument("--print", action="store_true", help="print the graph of includes between rooms")
    options = parser.parse_args()
    report = check(options.source)
    for fault in report.faults:
        print(fault, file=sys.stderr)
    if report.faults:
        print(f"rooms: {len(report.faults)} faults in {report.files} files", file=sys.stderr)
        return 1
    if options.print:
        print_graph(report)
    else:
        print(f"rooms: {report.files} files, {len(report.edges)} rooms, no cycle")
    return 0


if __name__ == "__main__":
    sys.exit(main())
