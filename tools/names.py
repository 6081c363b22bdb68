#!/usr/bin/env python3
"""Checks what a compiler does not: names, line length, leftovers, and that each room says what it is for.

Prints one line per fault, with file and line, and exits with 1 if there is any.
"""

import re
import sys
from pathlib import Path

LINE_MAX = 120
CODE_FOLDERS = ("src", "ui", "tests", "tools", "bench", "cmake", "deploy")
CODE_SUFFIXES = {".cc", ".h", ".py", ".js", ".css", ".html", ".cmake", ".sh"}
MEASURED_SUFFIXES = {".py", ".js", ".cmake", ".sh"}  # clang-format measures C++
TYPE = re.compile(r"^\s*(?:template\s*<.*>\s*)?(?:class|struct|enum(?:\s+class)?|union|using)\s+(?:\[\[\w+\]\]\s*)?"
                  r"([A-Z]\w*)(?=[^;]*[{:=]|\s*$)")
LEFTOVER = re.compile(r"\b(TOD[O]|FIXM[E]|XX[X]|HAC[K])\b")  # brackets, so that this line is not one

# Words that say nothing of what a thing is or does, and what to ask instead.
BANNED_WORDS = {
    "manager": "what does it do: hold, start, count, match?",
    "helper": "whom does it help with what? name that",
    "helpers": "name what is inside",
    "util": "name what is inside",
    "utils": "name what is inside",
    "common": "common to what? name that",
    "impl": "hide the class in the .cc and name it by what sets it apart",
    "wrapper": "name what it adds",
    "legacy": "remove it, or name what it speaks",
    "ng": "the newer thing takes the name, the older one goes",
}
# As whole words of a file's name only: a type may be NewBucket.
BANNED_FILE_WORDS = {**BANNED_WORDS, "new": BANNED_WORDS["ng"], "old": BANNED_WORDS["ng"], "v2": BANNED_WORDS["ng"],
                     "misc": BANNED_WORDS["utils"]}
# Names that are not ours to choose: AWS calls this action so.
GIVEN_NAMES = {"list_objects_v2"}


def words_of(name: str) -> list[str]:
    """`ListObjectsV2` and `list_objects_v2` alike: [list, objects, v2]."""
    return [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])\d*|[A-Z]?[a-z]+\d*|\d+", name)]


def check_file_name(path: Path) -> list[str]:
    stem = path.name.split(".")[0].removesuffix("_test").removesuffix("_bench")
    if stem in GIVEN_NAMES:
        return []
    return [f"{path}:1: the file's name says `{word}`; {BANNED_FILE_WORDS[word]}"
            for word in words_of(stem) if word in BANNED_FILE_WORDS]


def check_text(path: Path, text: str) -> list[str]:
    faults = []
    for number, line in enumerate(text.splitlines(), start=1):
        where = f"{path}:{number}"
        if len(line) > LINE_MAX and "://" not in line and path.suffix in MEASURED_SUFFIXES:
            faults.append(f"{where}: {len(line)} columns; the limit is {LINE_MAX}")
        if found := LEFTOVER.search(line):
            faults.append(f"{where}: {found[1]} is left over; do it now, or open an issue and remove the line")
        if (found := TYPE.match(line)) and path.suffix in {".cc", ".h", ".py", ".js"}:
            faults += [f"{where}: type {found[1]} says `{word}`; {BANNED_WORDS[word]}"
                       for word in words_of(found[1]) if word in BANNED_WORDS]
    return faults


def rooms_in(rules: str) -> list[str]:
    lines = (line.split("#", 1)[0] for line in rules.splitlines())
    return [found[1] for line in lines if (found := re.match(r"(\S+):", line))]


def check_readmes(root: Path) -> list[str]:
    """A room of its own has a README; a backend inside a room is described in that room's."""
    return [f"src/{room}: this room has no README.md; say in a few lines what it is for and where to look"
            for room in rooms_in((root / "src/rooms").read_text())
            if "/" not in room and any((root / "src" / room).glob("*.cc"))
            and not (root / "src" / room / "README.md").exists()]


def check(root: Path) -> tuple[list[str], int]:
    """All faults, and the number of files that were read."""
    faults = check_readmes(root)
    files = [file for folder in CODE_FOLDERS for file in sorted((root / folder).rglob("*"))
             if file.suffix in CODE_SUFFIXES and file.is_file()]
    for file in files:
        path = file.relative_to(root)
        faults += check_file_name(path)
        faults += check_text(path, file.read_text())
    return faults, len(files)


def main() -> int:
    faults, count = check(Path(__file__).resolve().parent.parent)
    for fault in faults:
        print(fault, file=sys.stderr)
    print(f"names: {count} files, {len(faults)} faults", file=sys.stderr if faults else sys.stdout)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
