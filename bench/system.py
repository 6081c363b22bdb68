#!/usr/bin/env python3
"""How much of the machine's vision the whole system turns into answers, and what it costs beside vision.

    ./dev bench system --images DIR [--count 5000] [--kill]

Sends `count` distinct photos, 32 at once, to a `facefleet up` of its own and prints, beside vision alone on the same
cores: throughput, our CPU a photo, latencies, and the time of the first answer from an empty fleet. With --kill the
same photos are sent again while a random worker is killed (SIGKILL) every 0.5 s; every answer must be the same.

The load generator runs on the same cores, which no real client would. It took L of the C * T core-seconds of a run of
T seconds on C cores; without it the system would have done the same work in T - L / C seconds. So

    system rate = photos / (T - L / C)        share = system rate / sum over the cores of vision's own rate

Our CPU a photo is all that `up`, gateway, autoscaler and workers use (/proc/PID/stat) less what the workers' vision
threads use (/proc/PID/task/TID/schedstat): user and system time, divided by the photos.
"""

import argparse
import csv
import json
import os
import random
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from runs import BINARY, PHOTOS, ROOT, System, machine, photos_of, send, wait_until_empty

TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")
KILL_EVERY_S = 0.5
WARM_UP_PHOTOS = 100
VISION_PHOTOS_MAX = 500
COLD_STARTS = 3
DRAIN_S = 60  # after the last answer; leases of killed workers come back at once


# --- vision alone -------------------------------------------------------------------------------------------------

def vision_alone(images: Path, count: int, cores: list[int], folder: Path) -> dict[str, float]:
    """Runs `facefleet bench vision` on each core at the same time: photos/s in all, mean CPU ms a photo."""
    runs = [subprocess.Popen([BINARY, "bench", "vision", "--images", images, "--count", str(count), "--json",
                              folder / f"vision-{core}.json"], stdout=subprocess.DEVNULL,
                             preexec_fn=lambda core=core: os.sched_setaffinity(0, [core])) for core in cores]
    if any([run.wait() for run in runs]):
        sys.exit("bench: facefleet bench vision failed; its message is above")
    reports = [json.loads((folder / f"vision-{core}.json").read_text()) for core in cores]
    return {"photos_per_s": sum(report["photos_per_s"] for report in reports),
            "cpu_ms_per_photo": statistics.mean(report["cpu_ms_per_photo"] for report in reports)}


# --- CPU of the system's processes --------------------------------------------------------------------------------

def process_cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_A_SECOND


def vision_thread_cpu_s(pid: int) -> float:
    total_ns = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        if (task / "comm").read_text().strip() == "vision":
            total_ns += int((task / "schedstat").read_text().split()[0])
    return total_ns / 1e9


def cpu_by_role(system: System) -> dict[str, float]:
    """CPU seconds so far of up, gateway, autoscaler, of the workers beside vision, and of vision."""
    pids = system.pids()
    used = {role: process_cpu_s(pids[role]) for role in ("up", "gateway", "autoscaler")}
    vision = {pid: vision_thread_cpu_s(pid) for pid in pids["workers"]}
    used["workers beside vision"] = sum(process_cpu_s(pid) for pid in vision) - sum(vision.values())
    used["vision"] = sum(vision.values())
    return used


# --- the system under load ----------------------------------------------------------------------------------------

class Killer(threading.Thread):
    """SIGKILLs a random worker of the system every KILL_EVERY_S until it is told to stop."""

    def __init__(self, system: System):
        super().__init__()
        self.system, self.kills, self.over = system, 0, threading.Event()

    def run(self) -> None:
        while not self.over.wait(KILL_EVERY_S):
            workers = [pid for pid in self.system.pids().get("workers", []) if self.system.is_ours(pid)]
            if workers:
                os.kill(random.choice(workers), signal.SIGKILL)
                self.kills += 1

    def stop(self) -> int:
        self.over.set()
        self.join()
        return self.kills


def write_answers(printed: str, file: Path) -> None:
    """The answers that `load --print` printed, as a prediction file for the next run."""
    answers = re.findall(r"^(.+) uploaded! Classification result: (.*)$", printed, re.MULTILINE)
    with file.open("w", newline="") as out:
        csv.writer(out).writerows(answers)


def measure_throughput(system: System, options, cores: int, folder: Path) -> dict:
    before = cpu_by_role(system)
    report, printed = send(system, options.images, options.count, options.concurrency, folder, "--print")
    after = cpu_by_role(system)
    write_answers(printed, folder / "answers.csv")
    used = {role: max(0.0, after[role] - before[role]) for role in after}
    ours = sum(seconds for role, seconds in used.items() if role != "vision")
    return {**report, "corrected_per_s": report["answered"] / (report["seconds"] - report["cpu_s"] / cores),
            "ours_ms_per_photo": 1e3 * ours / report["answered"],
            "ms_per_photo": {role: 1e3 * seconds / report["answered"] for role, seconds in used.items()}}


def measure_kills(system: System, options, folder: Path) -> dict:
    killer = Killer(system)
    killer.start()
    try:
        report, _ = send(system, options.images, options.count, options.concurrency, folder, "--prediction_file",
                         str(folder / "answers.csv"))
    finally:
        kills = killer.stop()
    deadline = time.monotonic() + DRAIN_S
    while (left := queued(system)) and time.monotonic() < deadline:
        time.sleep(0.1)
    return {**report, "kills": kills, "left_in_queues": left}


def queued(system: System) -> dict[str, int]:
    """The queues that hold messages, whatever these messages' state, and how many."""
    sqs = system.boto3("sqs")
    kinds = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible",
             "ApproximateNumberOfMessagesDelayed"]
    counts = {url.rsplit("/", 1)[1]: sqs.get_queue_attributes(QueueUrl=url, AttributeNames=kinds)["Attributes"]
              for url in sqs.list_queues().get("QueueUrls", [])}
    sums = {name: sum(map(int, count.values())) for name, count in counts.items()}
    return {name: count for name, count in sums.items() if count}


def measure_cold(system: System, photo: Path) -> float:
    """Seconds until the answer to one photo that comes to an empty fleet: the median of a few."""
    times = []
    for _ in range(COLD_STARTS):
        wait_until_empty(system)
        begun = time.monotonic()
        answer = system.upload(photo)
        times.append(time.monotonic() - begun)
        assert answer.status == 200, answer.text
    return statistics.median(times)


# --- photos -------------------------------------------------------------------------------------------------------

def enrol_some(system: System, images: Path, persons: int, folder: Path) -> int:
    """Enrols a photo of each of the first persons, if `images` has a folder a person; else the test photos' people."""
    chosen = [person for person in sorted(images.iterdir()) if person.is_dir() and photos_of(person)][:persons]
    for person in chosen:
        (folder / "people" / person.name).mkdir(parents=True)
        shutil.copy(photos_of(person)[0], folder / "people" / person.name)
    system.enrol(folder / "people" if chosen else PHOTOS / "people")
    return len(chosen) or len(list((PHOTOS / "people").iterdir()))


# --- report -------------------------------------------------------------------------------------------------------

def print_report(report: dict) -> None:
    vision, load = report["vision"], report["load"]
    share = load["corrected_per_s"] / vision["photos_per_s"]
    rows = [
        ("vision alone, all cores at once", f"{vision['photos_per_s']:.1f} photos/s",
         f"{vision['cpu_ms_per_photo']:.2f} ms CPU a photo"),
        ("system over HTTP, as measured", f"{load['requests_per_s']:.1f} photos/s",
         f"{load['answered']} of {load['requests']} answered in {load['seconds']:.2f} s"),
        ("system, load generator's CPU apart", f"{load['corrected_per_s']:.1f} photos/s",
         f"{100 * share:.1f} % of vision; the generator took {load['cpu_s']:.2f} s"),
        ("CPU of ours a photo", f"{load['ours_ms_per_photo']:.3f} ms",
         ", ".join(f"{role} {ms:.3f}" for role, ms in load["ms_per_photo"].items())),
        ("latency, " + str(report["concurrency"]) + " at once", f"p50 {load['p50_ms']:.1f} ms",
         f"p95 {load['p95_ms']:.1f}, p99 {load['p99_ms']:.1f} ms"),
        ("latency, one caller", f"p50 {report['single']['p50_ms']:.1f} ms", f"p99 {report['single']['p99_ms']:.1f} ms"),
        ("first answer from an empty fleet", f"{1e3 * report['cold_s']:.0f} ms", f"median of {COLD_STARTS}"),
    ]
    if kill := report.get("kill"):
        rows.append(("while workers are killed", f"{kill['requests_per_s']:.1f} photos/s",
                     f"{kill['kills']} kills; same answer {kill['right']}, other {kill['wrong']}, failed "
                     f"{kill['failed']}; p99 {kill['p99_ms']:.1f} ms; "
                     + (f"left in queues: {kill['left_in_queues']}" if kill["left_in_queues"] else "queues empty")))
    print(", ".join(f"{key} {value}" for key, value in report["machine"].items()))
    print(f"{report['photos']} photos of {report['images']}, {report['enrolled']} persons enrolled\n")
    for what, figure, more in rows:
        print(f"{what:<36}{figure:>18}   {more}")


def measure(options, folder: Path) -> dict:
    cores = sorted(os.sched_getaffinity(0))
    report = {"machine": machine(), "images": options.images.name, "photos": options.count,
              "concurrency": options.concurrency}
    print("vision alone …", file=sys.stderr)
    report["vision"] = vision_alone(options.images, min(options.count, VISION_PHOTOS_MAX), cores, folder)
    system = System(BINARY, folder / "data", ["--workers-max", str(len(cores))], {}).start()
    try:
        report["enrolled"] = enrol_some(system, options.images, options.persons, folder)
        send(system, options.images, WARM_UP_PHOTOS, options.concurrency, folder)
        print("the system under load …", file=sys.stderr)
        report["load"] = measure_throughput(system, options, len(cores), folder)
        report["single"], _ = send(system, options.images, WARM_UP_PHOTOS, 1, folder)
        if options.kill:
            print("the same while workers are killed …", file=sys.stderr)
            report["kill"] = measure_kills(system, options, folder)
        print("the first answer from an empty fleet …", file=sys.stderr)
        report["cold_s"] = measure_cold(system, photos_of(options.images)[0])
    finally:
        system.stop()
    return report


def main() -> int:
    parser = argparse.ArgumentParser(prog="./dev bench system", description=__doc__.split("\n\n")[0])
    parser.add_argument("--images", type=Path, default=PHOTOS, help="folder of photos, subfolders included")
    parser.add_argument("--count", type=int, help="photos to send (default: all there are, at most 5,000)")
    parser.add_argument("--concurrency", type=int, default=32)
    parser.add_argument("--persons", type=int, default=50, help="persons to enrol, one photo each")
    parser.add_argument("--kill", action="store_true", help="send them again while workers are killed")
    parser.add_argument("--json", type=Path, default=ROOT / "bench/results/system.json")
    options = parser.parse_args()
    there = len(photos_of(options.images))
    if there == 0:
        parser.error(f"{options.images} holds no photos")
    options.count = options.count or min(there, 5000)
    if options.count > there:
        print(f"there are {there} photos only: they are sent again and again", file=sys.stderr)
    with tempfile.TemporaryDirectory(prefix="facefleet-bench-") as folder:
        report = measure(options, Path(folder))
    print_report(report)
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(report, indent=1) + "\n")
    kill = report.get("kill", {})
    faults = report["load"]["failed"], kill.get("failed"), kill.get("wrong"), kill.get("left_in_queues")
    return 1 if any(faults) else 0


if __name__ == "__main__":
    sys.exit(main())
