#!/usr/bin/env python3
"""Runs clang-tidy on the sources that changed since they were last clean.

A source is clean for as long as it, the headers of ours that it includes (and theirs), .clang-tidy and its compile
command stay the same, byte for byte: a stamp named after all of these is left in BUILD/clean/. Headers are checked with
the sources that include them.
"""

import argparse
import concurrent.futures
import hashlib
import json
import os
import re
import subprocess
import sys
import threading
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
INCLUDE = re.compile(rb'^\s*#\s*include\s*"([^"]+)"', re.MULTILINE)
TIDY = "clang-tidy-14"


class Contents:
    """Files below src/, read and hashed once each."""

    def __init__(self, source: Path):
        self.source = source
        self.known: dict[Path, tuple[bytes, list[Path]]] = {}

    def read(self, path: Path) -> tuple[bytes, list[Path]]:
        """The file's hash, and the headers of ours that it includes itself."""
        if path not in self.known:
            text = path.read_bytes()
            headers = [self.source / name.decode() for name in INCLUDE.findall(text)]
            self.known[path] = hashlib.sha256(text).digest(), [header for header in headers if header.exists()]
        return self.known[path]

    def closure(self, path: Path) -> list[Path]:
        """The file and all headers of ours below it, in a fixed order."""
        found: set[Path] = set()
        left = [path]
        while left:
            if (file := left.pop()) not in found:
                found.add(file)
                left += self.read(file)[1]
        return sorted(found)

    def key(self, path: Path, *more: bytes) -> str:
        digest = hashlib.sha256(b"\0".join(more))
        for file in self.closure(path):
            digest.update(bytes(file) + b"\0" + self.read(file)[0])
        return digest.hexdigest()


def unchecked(build: Path, filters: list[str]) -> list[tuple[Path, Path]]:
    """(source, stamp) of each source of ours that is not known to be clean."""
    contents = Contents(ROOT / "src")
    config = (ROOT / ".clang-tidy").read_bytes()
    left = []
    for command in json.loads((build / "compile_commands.json").read_text()):
        path = Path(command["file"])
        if contents.source not in path.parents or not path.exists():
            continue
        stamp = build / "clean" / contents.key(path, config, command["command"].encode())
        if not stamp.exists() and (not filters or any(text in str(path) for text in filters)):
            left.append((path, stamp))
    return left


def run_all(build: Path, left: list[tuple[Path, Path]], jobs: int) -> int:
    """Checks each source; returns how many are not clean. Their findings go to stdout as they come."""
    (build / "clean").mkdir(exist_ok=True)
    printing = threading.Lock()
    done = failed = 0

    def check(path: Path, stamp: Path) -> None:
        nonlocal done, failed
        ran = subprocess.run([TIDY, "-p", str(build), "--quiet", str(path)], capture_output=True, text=True)
        with printing:
            done += 1
            if ran.returncode == 0:
                stamp.touch()
            else:
                failed += 1
                print(ran.stdout or ran.stderr, end="")
            ending = "\r" if sys.stderr.isatty() and done < len(left) else "\n"
            print(f"clang-tidy: {done} of {len(left)}: {path.relative_to(ROOT)}", end="\x1b[K" + ending,
                  file=sys.stderr, flush=True)

    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        for task in [pool.submit(check, *item) for item in left]:
            task.result()
    return failed


def main() -> int:
    parser = argparse.ArgumentParser(description="Run clang-tidy on what changed since it was last clean.")
    parser.add_argument("--build", type=Path, default=ROOT / "build/tidy", help="build folder of the preset `tidy`")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("filter", nargs="*", help="only sources whose path contains one of these")
    options = parser.parse_args()
    build = options.build.resolve()
    # A source that was added since the folder was configured is in no compile command yet.
    subprocess.run(["cmake", "-S", ROOT, "-B", build], check=True, stdout=subprocess.DEVNULL)
    left = unchecked(build, options.filter)
    failed = run_all(build, left, options.jobs)
    print(f"clang-tidy: {len(left)} checked, {failed} not clean")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
