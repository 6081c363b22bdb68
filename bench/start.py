#!/usr/bin/env python3
"""How long a photo waits that comes to an empty fleet, and what a worker's start and memory cost.

    ./dev bench start [--photo FILE] [--rounds 15] [--max-ms 400]

Starts a system, and round by round: waits until the fleet is empty, sends one photo, takes the time until its answer.
From the log it takes how long after its launch each worker was ready for its first job, and from /proc how much memory
of its own a worker holds (PSS: what it shares with others counts in parts). Prints medians and the worst. With --max-ms
it ends with 1 if the median answer took longer.
"""

import argparse
import datetime
import json
import re
import statistics
import sys
import tempfile
import time
from pathlib import Path

from runs import BINARY, PHOTOS, ROOT, System, machine, wait_until_empty, workers_of

PROFILE = 'name = "bench-start"\n\n[autoscaler]\nidle_hold_s = 0.5\n'
EVENT = re.compile(r"^(\S+) .*?(instance_started|ready) .*?pid=(\d+)", re.MULTILINE)


def launches_ms(log: str) -> list[float]:
    """From each worker's launch to its readiness."""
    started, took = {}, []
    for when, event, pid in EVENT.findall(log):
        at = datetime.datetime.fromisoformat(when.replace("Z", "+00:00"))
        if event == "instance_started":
            started[pid] = at
        elif pid in started:
            took.append(1e3 * (at - started.pop(pid)).total_seconds())
    return took


def pss_mb(pid: int) -> float:
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(re.search(r"^Pss:\s+(\d+) kB", rollup, re.MULTILINE)[1]) / 1024


def measure(photo: Path, rounds: int, folder: Path) -> dict:
    (folder / "profile.toml").write_text(PROFILE)
    system = System(BINARY, folder / "data", ["--profile", folder / "profile.toml"], {}).start()
    answers, memory = [], []
    try:
        system.enrol(PHOTOS / "people")
        log_begin = system.log.stat().st_size
        for _ in range(rounds):
            wait_until_empty(system)
            begun = time.monotonic()
            answer = system.upload(photo)
            answers.append(1e3 * (time.monotonic() - begun))
            assert answer.status == 200, answer.text
            memory += [pss_mb(int(tag["Value"])) for worker in workers_of(system) for tag in worker["Tags"]
                       if tag["Key"] == "facefleet:pid"]
        log = system.log.read_bytes()[log_begin:].decode()
    finally:
        system.stop()
    return {"first_answer_ms": answers, "worker_ready_ms": launches_ms(log), "worker_pss_mb": memory}


def main() -> int:
    parser = argparse.ArgumentParser(prog="./dev bench start", description=__doc__.split("\n\n")[0])
    parser.add_argument("--photo", type=Path, default=PHOTOS / "probes/Barack_Obama.jpg")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--max-ms", type=float, default=0, help="end with 1 if the median answer took longer; 0: never")
    parser.add_argument("--json", type=Path, default=ROOT / "bench/results/start.json")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="facefleet-bench-") as folder:
        report = {"machine": machine(), **measure(options.photo, options.rounds, Path(folder))}
    print(", ".join(f"{key} {value}" for key, value in report["machine"].items()))
    for what, key, unit in [("first answer from an empty fleet", "first_answer_ms", "ms"),
                            ("worker ready after its launch", "worker_ready_ms", "ms"),
                            ("memory of a worker (PSS)", "worker_pss_mb", "MB")]:
        values = report[key]
        spread = f"worst {max(values):.0f}, of {len(values)}" if values else ""
        print(f"{what:<36}{statistics.median(values) if values else float('nan'):>8.0f} {unit}   median; {spread}")
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(report, indent=1) + "\n")
    return 1 if options.max_ms and statistics.median(report["first_answer_ms"]) > options.max_ms else 0


if __name__ == "__main__":
    sys.exit(main())
