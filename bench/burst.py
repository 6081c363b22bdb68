#!/usr/bin/env python3
"""How long a burst on an empty fleet takes, until its last answer and until the fleet is empty again.

    ./dev bench burst [--images DIR] [--profiles default s0-stopped-pool-20 …] [--start-s 20]

Sends 100 distinct photos at once to a `facefleet up` of each profile, whose fleet has no running worker, and prints the
time of the last answer, the time from then until no worker is left, and the most workers that were seen at once; beside
them what the earlier system that the profile reproduces took on EC2. The profiles of earlier systems keep their
instances pending for a while, as EC2's are; --start-s says how long, where the profile's own 3 s should not count.

Without --images the photos are made from the test photos, each of another size, so that no two are the same.
"""

import argparse
import itertools
import json
import statistics
import sys
import tempfile
import threading
import time
import tomllib
from pathlib import Path

from PIL import Image
from runs import BINARY, PHOTOS, ROOT, System, machine, photos_of, send, wait_until_empty, workers_of

EARLIER = {  # seconds for 100 requests on EC2, as their authors report them
    "s0-stopped-pool-20": "250–310", "s1-difference-19": "250–310", "s2-self-terminating-19": "250–310",
    "s3-name-only-15": "250–310", "s4-classify-20": "250–310"}
WIDTH_MIN = 250  # of a made photo, as LFW's
SAMPLE_S = 0.05


def make_photos(count: int, folder: Path) -> Path:
    """`count` photos of people, each of another width and so of other pixels."""
    sources = [Image.open(file).convert("RGB") for file in photos_of(PHOTOS / "people") + photos_of(PHOTOS / "probes")]
    folder.mkdir()
    for number, source in zip(range(count), itertools.cycle(sources)):
        width = WIDTH_MIN + number // len(sources)
        made = source.resize((width, round(source.height * width / source.width)), Image.Resampling.LANCZOS)
        made.save(folder / f"test_{number:03}.jpg", quality=90)
    return folder


class FleetWatcher(threading.Thread):
    """The most workers seen at once, not counting stopped ones."""

    def __init__(self, system: System):
        super().__init__(daemon=True)
        self.system, self.most, self.over = system, 0, threading.Event()

    def run(self) -> None:
        while not self.over.wait(SAMPLE_S):
            self.most = max(self.most, len(workers_of(self.system)))

    def stop(self) -> int:
        self.over.set()
        self.join()
        return self.most


def burst(system: System, images: Path, count: int, folder: Path) -> dict:
    """One burst on the empty fleet of a running system."""
    wait_until_empty(system)
    watcher = FleetWatcher(system)
    watcher.start()
    report, _ = send(system, images, count, count, folder)
    answered = time.monotonic()
    wait_until_empty(system)
    return {"last_answer_s": report["last_answer_s"], "first_answer_s": report["first_answer_s"],
            "failed": report["failed"], "to_zero_s": time.monotonic() - answered, "workers_most": watcher.stop()}


def measure(profile: str, images: Path, options, folder: Path) -> dict:
    print(f"{profile} …", file=sys.stderr)
    settings = tomllib.loads((ROOT / "profiles" / f"{profile}.toml").read_text())
    flags = ["--profile", profile]
    if options.start_s is not None and profile in EARLIER:
        settings["fleet"]["start_delay_s"] = options.start_s
        flags += ["--set", f"fleet.start_delay_s={options.start_s}"]
    folder.mkdir()
    system = System(BINARY, folder / "data", flags, {}).start()
    try:
        cap = system.get("/v1/status").json()["fleet"]["cap"]
        runs = [burst(system, images, options.count, folder) for _ in range(options.runs)]
    finally:
        system.stop()
    return {"profile": profile, "cap": cap, "start_s": settings.get("fleet", {}).get("start_delay_s", 0),
            "earlier_s": EARLIER.get(profile), "runs": runs,
            **{key: statistics.median(run[key] for run in runs) for key in ("last_answer_s", "to_zero_s")},
            "workers_most": max(run["workers_most"] for run in runs), "failed": sum(run["failed"] for run in runs)}


def print_report(report: dict) -> None:
    print(", ".join(f"{key} {value}" for key, value in report["machine"].items()))
    print(f"{report['count']} photos at once on an empty fleet, median of {report['runs']}\n")
    print(f"{'profile':<24}{'cap':>5}{'most':>6}{'start':>8}{'last answer':>13}{'then empty':>12}"
          f"{'earlier, on EC2':>18}")
    for row in report["profiles"]:
        print(f"{row['profile']:<24}{row['cap']:>5}{row['workers_most']:>6}{row['start_s']:>6.1f} s"
              f"{row['last_answer_s']:>11.2f} s{row['to_zero_s']:>10.1f} s"
              f"{row['earlier_s'] + ' s' if row['earlier_s'] else '':>18}"
              + (f"   {row['failed']} failed" if row["failed"] else ""))


def main() -> int:
    parser = argparse.ArgumentParser(prog="./dev bench burst", description=__doc__.split("\n\n")[0])
    parser.add_argument("--images", type=Path, help="folder of photos (default: made from the test photos)")
    parser.add_argument("--count", type=int, default=100, help="photos at once")
    parser.add_argument("--runs", type=int, default=3, help="bursts, of which the median counts")
    parser.add_argument("--profiles", nargs="+", default=["default", *EARLIER])
    parser.add_argument("--start-s", type=float, help="how long the earlier systems' instances are pending")
    parser.add_argument("--json", type=Path, default=ROOT / "bench/results/burst.json")
    options = parser.parse_args()
    if options.images and len(photos_of(options.images)) < options.count:
        parser.error(f"{options.images} holds fewer than {options.count} photos")
    report = {"machine": machine(), "count": options.count, "runs": options.runs, "profiles": []}
    with tempfile.TemporaryDirectory(prefix="facefleet-bench-") as name:
        folder = Path(name)
        images = options.images or make_photos(options.count, folder / "photos")
        for profile in options.profiles:
            report["profiles"].append(measure(profile, images, options, folder / profile))
    print_report(report)
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(report, indent=1) + "\n")
    return 1 if any(row["failed"] for row in report["profiles"]) else 0


if __name__ == "__main__":
    sys.exit(main())
