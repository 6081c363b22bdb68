"""Killing any process at any moment loses no accepted photo; nobody gets another's answer, or two."""

import concurrent.futures
import json
import os
import random
import signal
import threading
import time

import pytest
from system import PHOTOS, wait_until
from test_lifecycle import queue_counts

PEOPLE = {"Barack_Obama.jpg": "Barack_Obama", "Jacinda_Ardern.jpg": "Jacinda_Ardern",
          "Emmanuel_Macron.jpg": "Emmanuel_Macron", "unknown.jpg": "unknown"}
PROBES = {name: (PHOTOS / "probes" / name).read_bytes() for name in PEOPLE}
REQUESTS = 60
AT_ONCE = 12
ANSWERS_A_KILL = 3


def ask(system, number: int, headers: dict | None = None):
    """One request under a name of its own; returns what is wrong with its answer, or nothing."""
    probe = list(PEOPLE)[number % len(PEOPLE)]
    answer = system.upload((f"p{number}.x.jpg", PROBES[probe]), headers=headers)
    expected = f"p{number}:{PEOPLE[probe]}"
    return None if (answer.status, answer.text.strip()) == (200, expected) else (answer.status, answer.text, expected)


def drained(system) -> bool:
    return all(queue_counts(system, f"facefleet-{which}-queue") == [0, 0, 0] for which in ("req", "resp", "dead"))


@pytest.fixture
def enrolled(start_system):
    system = start_system()
    system.enrol(PHOTOS / "people")
    return system


def test_workers_killed_under_load_change_no_answer(enrolled):
    """A worker dies after every few answers: every request is answered, rightly, and nothing is left in the queues.

    Kills wait for answers, not for the clock: on a machine that is busy with other tests a worker may take longer to
    start than any interval, and a fleet that is killed before it starts shows nothing."""
    done, answered, kills = threading.Event(), threading.Semaphore(0), []
    chance = random.Random(20251)

    def killer():
        while not done.is_set():
            if not all(answered.acquire(timeout=0.2) for _ in range(ANSWERS_A_KILL)):
                continue
            if workers := [pid for pid in enrolled.pids().get("workers", []) if enrolled.is_ours(pid)]:
                kills.append(chance.choice(workers))
                os.kill(kills[-1], signal.SIGKILL)

    def ask_and_tell(number: int):
        bad = ask(enrolled, number)
        answered.release()
        return bad

    thread = threading.Thread(target=killer)
    thread.start()
    try:
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            wrong = [bad for bad in pool.map(ask_and_tell, range(REQUESTS)) if bad]
    finally:
        done.set()
        thread.join()
    assert not wrong
    assert len(kills) >= 5, "too few workers were there to be killed: the test has shown nothing"
    wait_until(lambda: drained(enrolled), 20, "the queues are empty")


def test_the_gateway_killed_costs_its_callers_a_retry_and_no_second_job(enrolled):
    """Callers of a killed gateway see a closed connection; the same Idempotency-Key then gets the one answer."""
    def insist(number: int):
        headers = {"Idempotency-Key": f"key-{number}"}
        deadline = time.monotonic() + 60
        while True:
            try:
                return ask(enrolled, number, headers)
            except OSError:  # refused, reset, closed: the gateway is gone or not yet back
                assert time.monotonic() < deadline, "the gateway did not come back"
                time.sleep(0.05)

    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        answers = [pool.submit(insist, number) for number in range(REQUESTS)]
        wait_until(lambda: sum(answer.done() for answer in answers) > REQUESTS // 6, 60, "some are answered")
        # Its port was chosen by the system: the next one must be found on the same.
        os.kill(enrolled.pids()["gateway"], signal.SIGKILL)
        wrong = [bad for answer in answers if (bad := answer.result())]
    assert not wrong
    wait_until(lambda: drained(enrolled), 20, "the queues are empty")


def test_the_autoscaler_killed_is_started_again_and_the_fleet_stays(enrolled):
    before = enrolled.pids()["autoscaler"]
    os.kill(before, signal.SIGKILL)
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        wrong = [bad for bad in pool.map(lambda number: ask(enrolled, number), range(20)) if bad]
    assert not wrong
    wait_until(lambda: enrolled.pids().get("autoscaler") not in (None, before), 20, "an autoscaler runs again")


def test_up_killed_and_started_again_adopts_what_runs(enrolled, start_system):
    """What ran before runs on, by the same pids; accepted jobs are finished."""
    wait_until(lambda: enrolled.upload(("a.jpg", PROBES["unknown.jpg"])).status == 200, 30, "a worker is warm")
    before = enrolled.pids()
    job = enrolled.upload(("b.jpg", PROBES["Barack_Obama.jpg"]), path="/v1/recognise?wait=0").json()["job_id"]
    enrolled.process.kill()
    enrolled.process.wait()
    again = start_system(data=enrolled.data)
    after = again.pids()
    assert after["gateway"] == before["gateway"]
    assert set(after["workers"]) & set(before["workers"]) or not [p for p in before["workers"] if again.is_ours(p)]
    label = wait_until(lambda: again.get(f"/v1/jobs/{job}").json().get("label"), 60, "the job is done")
    assert label == "Barack_Obama"
    assert ask(again, 3) is None


def test_a_job_that_kills_its_workers_is_answered_as_poison(start_system, tmp_path):
    """A worker that is killed each time it takes the job stands for a photo that crashes it."""
    profile = tmp_path / "poison.toml"
    profile.write_text('name = "poison"\n[worker]\nreceives_max = 2\nlease_s = 30\n[fleet]\nworkers_max = 1\n')
    system = start_system("--profile", profile)
    wait_until(lambda: system.pids().get("workers"), 30, "a worker runs")
    sqs, worker = system.boto3("sqs"), system.pids()["workers"][0]
    os.kill(worker, signal.SIGSTOP)  # it holds its long poll, and so will get the job and never finish it
    try:
        job = system.upload(("a.jpg", PROBES["unknown.jpg"]), path="/v1/recognise?wait=0").json()["job_id"]
        wait_until(lambda: queue_counts(system, "facefleet-req-queue")[1] == 1, 20, "the stopped worker holds the job")
    finally:
        os.kill(worker, signal.SIGKILL)
    answer = wait_until(lambda: (found := system.get(f"/v1/jobs/{job}")).status != 202 and found, 60,
                        "the job is answered")
    assert "poison" in answer.text, answer.text
    wait_until(lambda: queue_counts(system, "facefleet-dead-queue") == [1, 0, 0], 20, "it is kept")
    assert json.loads(sqs.receive_message(QueueUrl="facefleet-dead-queue")["Messages"][0]["Body"])["id"] == job
    assert system.upload(("b.jpg", PROBES["unknown.jpg"])).status == 200, "the others are served"
