"""docs/controller.py, as it is written there, runs the fleet of a system whose own policy is `none`."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

from system import PHOTOS, wait_until
from system import ROOT

CAP = 3
PROBES = sorted((PHOTOS / "probes").glob("*.jpg"))


def test_a_controller_of_ones_own_sizes_the_fleet(start_system):
    system = start_system("--workers-max", CAP, "--set", "autoscaler.policy=none", "--set", "fleet.pool=true",
                          ready=False)
    ec2, seen = system.boto3("ec2"), []

    def running() -> int:
        groups = ec2.describe_instances(Filters=[{"Name": "tag:Name", "Values": ["app-tier-instance-*"]},
                                                 {"Name": "instance-state-name", "Values": ["pending", "running"]}])
        seen.append(len(groups["Reservations"]))
        return seen[-1]

    assert running() == 0
    controller = subprocess.Popen([sys.executable, ROOT / "docs" / "controller.py"],
                                  env={**system.environment, **system.credentials}, stderr=subprocess.PIPE, text=True)
    try:
        system.enrol(PHOTOS / "people")
        with ThreadPoolExecutor(12) as callers:
            answers = [callers.submit(system.upload, (f"p{number}.jpg", PROBES[number % len(PROBES)].read_bytes()))
                       for number in range(12)]
            wait_until(lambda: running() == CAP or all(answer.done() for answer in answers), 60, "the fleet has grown")
            texts = [answer.result().text.strip() for answer in answers]
        assert texts == [f"p{number}:{PROBES[number % len(PROBES)].stem}" for number in range(12)]
        wait_until(lambda: running() == 0, 30, "the fleet is at rest again")
        assert controller.poll() is None, controller.stderr.read()
        assert max(seen) == CAP
    finally:
        controller.terminate()
        controller.communicate()
