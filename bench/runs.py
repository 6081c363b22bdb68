"""What the benchmarks that run a whole system share: the systems of the black-box tests, and how one is loaded."""

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests/blackbox"))  # before this folder, which has a system.py too
from system import (  # noqa: E402, F401 (benchmarks take some of these from here)
    BINARY, PHOTOS, System, free_port, wait_until)

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp"}


def machine() -> dict[str, str]:
    """Where and of what this was measured."""
    cpu = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    commit = subprocess.run(["git", "-C", ROOT, "describe", "--always", "--dirty"], capture_output=True, text=True)
    version = subprocess.run([BINARY, "--version"], capture_output=True, text=True, check=True)
    packages = tomllib.loads((ROOT / "tools/packages.toml").read_text())["package"]
    openvino = next(package["version"] for package in packages if package["name"] == "openvino")
    return {"cpu": cpu[1] if cpu else "unknown", "cores": str(os.cpu_count()), "kernel": os.uname().release,
            "commit": commit.stdout.strip() or "unknown", "version": version.stdout.strip(),
            "openvino": openvino}


def send(system: System, images: Path, count: int, concurrency: int, folder: Path, *more: str) -> tuple[dict, str]:
    """Runs `facefleet load`; its report and what it printed."""
    done = system.run("load", "--num_request", str(count), "--url", system.url + "/", "--image_folder", images,
                      "--concurrency", str(concurrency), "--json", folder / "load.json", *more, timeout_s=3600)
    report = json.loads((folder / "load.json").read_text())
    if done.returncode != 0 and report["failed"]:
        print(done.stderr, file=sys.stderr)
    return report, done.stdout


def workers_of(system: System) -> list[dict]:
    """The instances that cost something now, as the EC2 door tells: pids.json and the status page are a little late."""
    states = ["pending", "running", "stopping", "shutting-down"]
    found = system.boto3("ec2").describe_instances(Filters=[{"Name": "instance-state-name", "Values": states}])
    instances = [one for reservation in found["Reservations"] for one in reservation["Instances"]]
    return [one for one in instances if {"Key": "facefleet:role", "Value": "gateway"} not in one.get("Tags", [])]


def wait_until_empty(system: System, timeout_s: float = 120) -> None:
    wait_until(lambda: not workers_of(system), timeout_s, "no worker is left")


def photos_of(folder: Path) -> list[Path]:
    """In the order in which `facefleet load` sends them."""
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
