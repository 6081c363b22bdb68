"""A fleet that does not do as it is told loses nothing, keeps to its cap, and `facefleet status` says why."""

import os
import shutil
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from system import PHOTOS, wait_until
from system import ROOT
from test_kill import AT_ONCE, PROBES, ask, drained

CAPACITY = {"pending", "running", "stopping", "shutting-down"}  # what the cap counts


class CapWatch:
    """Looks at the instances, again and again, until it is left; says how many the cap counted at most."""

    def __init__(self, system):
        self.ec2, self.most, self.done = system.boto3("ec2"), 0, threading.Event()
        self.thread = threading.Thread(target=self.watch)

    def watch(self):
        while not self.done.wait(0.05):
            groups = self.ec2.describe_instances(Filters=[{"Name": "tag:Name", "Values": ["app-tier-instance-*"]}])
            states = [one["State"]["Name"] for group in groups["Reservations"] for one in group["Instances"]]
            self.most = max(self.most, sum(state in CAPACITY for state in states))

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.done.set()
        self.thread.join()


def enqueue(system) -> str:
    answer = system.upload(("a.jpg", PROBES["unknown.jpg"]), path="/v1/recognise?wait=0")
    assert answer.status == 202, answer.text
    return answer.json()["job_id"]


def status_says(system, *texts: str) -> bool:
    shown = system.run("status", "--url", system.url).stdout
    return all(text in shown for text in texts)


def is_answered(system, job: str) -> bool:
    return system.get(f"/v1/jobs/{job}").status == 200


def test_an_instance_that_never_leaves_pending(start_system):
    system = start_system("--workers-max", 2, "--set", "fleet.start_delay_s=600", ready=False)
    jobs = [enqueue(system) for _ in range(4)]
    with CapWatch(system) as watch:
        wait_until(lambda: status_says(system, "pending for 2 s"), 30, "status says how long it has been pending")
    assert watch.most == 2
    assert not any(is_answered(system, job) for job in jobs)
    system.stop()
    again = start_system("--workers-max", 2, data=system.data)
    wait_until(lambda: all(is_answered(again, job) for job in jobs), 60, "what was accepted is answered")


def test_a_fleet_that_refuses_to_start_more(start_system):
    """The only instance that may exist is told to leave and does not: until it is killed, no other can be launched."""
    system = start_system("--workers-max", 1, "--set", "fleet.stop_grace_s=4", "--set",
                          "autoscaler.policy=backlog-per-worker")  # which counts what a stuck worker has leased
    wait_until(lambda: system.pids().get("workers"), 30, "a worker runs")
    (worker,), ec2 = system.pids()["workers"], system.boto3("ec2")
    os.kill(worker, signal.SIGSTOP)
    groups = ec2.describe_instances(Filters=[{"Name": "tag:facefleet:pid", "Values": [str(worker)]}])["Reservations"]
    ec2.terminate_instances(InstanceIds=[groups[0]["Instances"][0]["InstanceId"]])
    with CapWatch(system) as watch:
        job = enqueue(system)
        wait_until(lambda: status_says(system, "but cannot launch 1: The fleet is at its cap of 1 instances"), 30,
                   "status says why nothing is launched")
        wait_until(lambda: is_answered(system, job), 60, "the job is answered")
    assert watch.most == 1
    assert not status_says(system, "but cannot launch")


def test_workers_that_end_as_soon_as_they_start(start_system, tmp_path):
    models, away = tmp_path / "models", tmp_path / "away"
    shutil.copytree(Path(os.environ.get("FACEFLEET_MODELS") or ROOT / ".deps/models"), models, copy_function=os.symlink)
    system = start_system("--workers-max", 2, environment={"FACEFLEET_MODELS": str(models)}, ready=False)
    wait_until(lambda: system.get("/readyz").status == 200, 60, "it has started well")
    models.rename(away)
    for pid in system.pids()["workers"]:
        os.kill(pid, signal.SIGKILL)
    with CapWatch(system) as watch:
        job = enqueue(system)
        wait_until(lambda: status_says(system, "ended before it took a job: exited with status"), 30, "status says why")
        away.rename(models)
        wait_until(lambda: is_answered(system, job), 60, "the job is answered once workers live")
    assert watch.most <= 2


@pytest.fixture
def enrolled(start_system):
    system = start_system("--workers-max", 2, "--set", "worker.lease_s=1.5")
    system.enrol(PHOTOS / "people")
    return system


def test_a_worker_that_stands_still_for_twice_its_lease_changes_no_answer(enrolled):
    wait_until(lambda: len(enrolled.pids().get("workers", [])) == 2 or ask(enrolled, 0), 30, "both workers run")
    with ThreadPoolExecutor(AT_ONCE) as callers:
        answers = [callers.submit(ask, enrolled, number) for number in range(40)]
        wait_until(lambda: sum(answer.done() for answer in answers) > 4, 60, "some are answered")
        worker = enrolled.pids()["workers"][0]
        os.kill(worker, signal.SIGSTOP)
        try:
            threading.Event().wait(3.0)  # twice the lease: what is tested is this time
        finally:
            if enrolled.is_ours(worker):
                os.kill(worker, signal.SIGCONT)
        wrong = [bad for answer in answers if (bad := answer.result())]
    assert not wrong
    wait_until(lambda: drained(enrolled), 20, "the queues are empty")


def test_the_autoscaler_killed_in_a_burst_neither_overshoots_nor_stops_the_work(enrolled):
    before = enrolled.pids()["autoscaler"]
    with CapWatch(enrolled) as watch, ThreadPoolExecutor(AT_ONCE) as callers:
        answers = [callers.submit(ask, enrolled, number) for number in range(40)]
        wait_until(lambda: sum(answer.done() for answer in answers) > 4, 60, "some are answered")
        os.kill(before, signal.SIGKILL)
        wrong = [bad for answer in answers if (bad := answer.result())]
    assert not wrong
    assert watch.most <= 2
    wait_until(lambda: enrolled.pids().get("autoscaler") not in (None, before), 20, "an autoscaler runs again")
    wait_until(lambda: drained(enrolled), 20, "the queues are empty")


def test_workers_that_end_themselves_when_there_is_no_work(start_system):
    system = start_system("--workers-max", 3, "--set", "autoscaler.policy=spawn-self-terminate", "--set",
                          "worker.ends_itself_s=1")
    system.enrol(PHOTOS / "people")
    with CapWatch(system) as watch, ThreadPoolExecutor(AT_ONCE) as callers:
        assert not [bad for bad in callers.map(lambda number: ask(system, number), range(12)) if bad]
        wait_until(lambda: not system.pids().get("workers"), 30, "the last has ended itself")
    assert watch.most <= 3
    groups = system.boto3("ec2").describe_instances(Filters=[{"Name": "instance-state-name", "Values": ["terminated"]}])
    reasons = {one["StateReason"]["Message"] for group in groups["Reservations"] for one in group["Instances"]}
    assert reasons == {"exited with status 0"}
    assert drained(system)
