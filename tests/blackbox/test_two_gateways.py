"""Several gateways of one system, each with a response queue of its own: one dies, its callers go to another."""

import concurrent.futures
import contextlib
import http.client
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import boto3
import pytest
from alone import Gateway, Role
from system import ROOT, Api, free_port, wait_until
from test_kill import PEOPLE, PROBES

sys.path.append(str(ROOT / "tests/aws"))

from foreign_system import EMULATORS, start_moto  # noqa: E402

REQUESTS = 400
AT_ONCE = 16
PROFILE = """
id = "two"
[gateway]
own_response_queue = true
dead_after_s = 5
[fleet]
workers_max = 2
"""
NGINX = shutil.which("nginx", path=f'{os.environ.get("PATH", "")}:/usr/sbin:{ROOT}/.deps/nginx/usr/sbin')


class Pair:
    """A local cloud, two gateways and two workers, each alone."""

    def __init__(self, binary, folder, cloud):
        self.binary, self.folder, self.cloud = binary, folder, cloud
        self.gateways, self.workers = [], []

    def start(self):
        profile = self.folder / "two.toml"
        profile.write_text(PROFILE)
        environment, flags = self.cloud.environment(), ["--profile", profile]
        for n in range(2):
            self.gateways.append(Gateway(self.binary, self.folder / f"gateway-{n}", environment, *flags))
            self.workers.append(Role(self.binary, "worker", self.folder / f"worker-{n}", environment, *flags,
                                     "--instance-id", f"w-{n}"))
        for gateway in self.gateways:
            gateway.wait_until_ready()

    def end(self):
        for role in self.gateways + self.workers:
            role.end(signal.SIGKILL)

    def queues(self, which: str) -> dict[str, int]:
        """Messages of each queue, in whatever state."""
        sqs = self.cloud.client("sqs")
        counts = {}
        for url in sqs.list_queues(QueueNamePrefix=f"two-{which}").get("QueueUrls", []):
            with contextlib.suppress(sqs.exceptions.QueueDoesNotExist):  # deleted between the two looks
                said = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
                counts[url.rsplit("/", 1)[1]] = sum(
                    int(said[f"ApproximateNumberOfMessages{state}"]) for state in ("", "NotVisible", "Delayed"))
        return counts

    def keys(self, prefix: str) -> list[str]:
        pages = self.cloud.client("s3").get_paginator("list_objects_v2").paginate(Bucket="two-jobs", Prefix=prefix)
        return [found["Key"] for page in pages for found in page.get("Contents", [])]


class Moto:
    """moto's server, where the tools' tests have installed it (tests/aws), as LocalCloud is."""

    def __init__(self, url: str):
        self.url = url

    def environment(self):
        return {"AWS_ENDPOINT_URL": self.url, "AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "any",
                "AWS_SECRET_ACCESS_KEY": "any"}

    def client(self, service):
        return boto3.client(service, endpoint_url=self.url, region_name="us-east-1", aws_access_key_id="any",
                            aws_secret_access_key="any")


@pytest.fixture
def moto(tmp_path):
    if not EMULATORS.is_dir():
        pytest.skip("moto is not installed; ./dev test does")
    with start_moto(tmp_path) as url:
        yield Moto(url)


@pytest.fixture
def pair(binary, tmp_path, photos, request, cloud):
    yield from run_pair(binary, tmp_path, photos, request, cloud)


@pytest.fixture
def pair_on_moto(binary, tmp_path, photos, request, moto):
    yield from run_pair(binary, tmp_path, photos, request, moto)


def run_pair(binary, tmp_path, photos, request, cloud):
    started = Pair(binary, tmp_path, cloud)
    try:
        started.start()
        done = subprocess.run([binary, "enrol", photos / "people", "--url", started.gateways[0].url],
                              capture_output=True, text=True, timeout=100, check=False)
        assert done.returncode == 0, done.stderr
        yield started
    finally:
        if request.session.testsfailed:
            for role in started.gateways + started.workers:
                print(f"--- {role.data}\n{role.log.read_text()[-4000:]}")
        started.end()


@contextlib.contextmanager
def nginx_before(folder: Path, urls: list[str]):
    """deploy/nginx.conf as it is, but for its ports, with an upstream for each of `urls`."""
    port = free_port()
    site = (ROOT / "deploy/nginx.conf").read_text()
    upstream = re.search(r"server 127.0.0.1:8000;.*", site)
    site = site.replace(upstream[0], "".join(f"server {url.removeprefix('http://')};\n" for url in urls))
    site = site.replace("listen 80;", f"listen 127.0.0.1:{port};")
    folder.mkdir()
    temporary = "".join(f"{what}_temp_path {folder}/{what};\n"
                        for what in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    user = "user root;\n" if os.geteuid() == 0 else ""  # else its worker may not write into our folder
    (folder / "nginx.conf").write_text(
        f"{user}daemon off;\npid {folder}/pid;\nerror_log stderr;\nevents {{}}\n"
        f"http {{\naccess_log off;\n{temporary}{site}}}\n")
    with (folder / "log").open("wb") as log:
        nginx = subprocess.Popen([NGINX, "-p", folder, "-e", "stderr", "-c", folder / "nginx.conf"],
                                 stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    front = Api()
    front.url = f"http://127.0.0.1:{port}"
    try:
        wait_until(lambda: answers(nginx, folder, front), 20, "nginx answers")
        yield front
    finally:
        nginx.terminate()
        nginx.wait(20)


def answers(nginx, folder: Path, front: Api) -> bool:
    assert nginx.poll() is None, (folder / "log").read_text()
    try:
        return front.get("/healthz").status == 200
    except OSError:
        return False


def ask(api: Api, number: int) -> tuple[str, str]:
    """The job's id and its label; raises what a broken connection raises."""
    probe = list(PEOPLE)[number % len(PEOPLE)]
    answer = api.upload((f"p{number}.jpg", PROBES[probe]), path="/v1/recognise",
                        headers={"Idempotency-Key": f"key-{number}"})
    assert answer.status == 200, answer.text
    said = answer.json()
    assert (said["name"], said["label"]) == (f"p{number}.jpg", PEOPLE[probe])
    return said["job_id"], said["label"]


def test_one_of_two_is_killed_and_every_caller_gets_the_one_answer(pair):
    kill_one(pair, REQUESTS)


def test_the_same_where_moto_is_aws(pair_on_moto):
    kill_one(pair_on_moto, REQUESTS // 8)


def kill_one(pair: Pair, requests: int) -> None:
    """Under load; who asked the dead one asks the other, with the same key."""
    doomed, other = pair.gateways
    before, broken, answered = pair.keys("outcomes/"), [], threading.Semaphore(0)

    def insist(number: int):
        try:
            return ask(pair.gateways[number % 2], number)
        except (OSError, http.client.HTTPException) as failure:
            if not isinstance(getattr(failure, "reason", failure), ConnectionRefusedError):
                broken.append(number)  # it had been heard
            return ask(other, number)
        finally:
            answered.release()

    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        answers = pool.map(insist, range(requests))
        for _ in range(requests // 3):
            answered.acquire()
        doomed.process.kill()
        jobs = [job for job, _ in answers]
    assert doomed.process.wait(5) == -signal.SIGKILL
    assert broken, "the gateway died between requests: the test has shown nothing"
    assert len(set(jobs)) == requests
    # One job a key, one outcome a job, however often it was sent.
    assert len(pair.keys("idempotency/")) == requests
    assert set(pair.keys("outcomes/")) - set(before) == {f"outcomes/{job}" for job in jobs}
    for number in broken[:10]:
        assert ask(other, number)[0] == jobs[number]

    wait_until(lambda: len(pair.queues("resp-queue-")) == 1, 30, "the dead gateway's queue is collected")
    wait_until(lambda: sum(pair.queues("").values()) == 0, 20, "the queues are empty")
    wait_until(lambda: not pair.keys("photos/"), 20, "no photo is left")
    assert other.get("/readyz").status == 200
    assert other.end() == 0
    assert pair.queues("resp-queue-") == {}
    assert pair.keys("gateways/") == []


def test_a_gateway_that_lost_its_queue_goes_on_with_another(pair):
    """What a gateway finds that slept so long that it was taken for dead; a job is known at both."""
    one, other = pair.gateways
    sqs = pair.cloud.client("sqs")
    lost = set(pair.queues("resp-queue-"))
    for name in lost:
        sqs.delete_queue(QueueUrl=name)
    wait_until(lambda: len(pair.queues("resp-queue-")) == 2, 20, "each has made another queue")
    assert not lost & set(pair.queues("resp-queue-"))
    job, label = ask(one, 1)
    assert other.get(f"/v1/jobs/{job}").json()["label"] == label
    assert ask(other, 1)[0] == job


@pytest.mark.skipif(NGINX is None, reason="nginx is not installed")
def test_nginx_before_two_gateways_passes_over_one_that_died(pair, tmp_path):
    with nginx_before(tmp_path / "nginx", [gateway.url for gateway in pair.gateways]) as front:
        assert {ask(front, number)[1] for number in range(8)} == set(PEOPLE.values())
        pair.gateways[0].process.kill()
        pair.gateways[0].process.wait()
        assert {ask(front, number)[1] for number in range(8, 16)} == set(PEOPLE.values())
