"""The whole system with moto's server as AWS, in each way that the earlier systems sized their fleets, and with
ElasticMQ as SQS: photos in, the fleet from rest to its cap and back, every answer right, nothing left in the queues.

Instances are worker processes (hypervisor.py); who counts them looks at moto's DescribeInstances, not at us. Each test
prints a line of figures (pytest -rP shows them): what was called how often.
"""

import concurrent.futures
import dataclasses
import itertools
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "blackbox")]

from elasticmq_contract_test import JARS, start_elasticmq  # noqa: E402
from foreign_system import EMULATORS, ForeignSystem, end_all_instances, start_localcloud, start_moto  # noqa: E402
from replies import bare, by_file, by_stem, json_string  # noqa: E402
from system import BINARY, PHOTOS  # noqa: E402
from watcher import assert_queues_empty, keys_of  # noqa: E402

pytestmark = [pytest.mark.skipif(not EMULATORS.is_dir(), reason="./dev test installs moto"), pytest.mark.timeout(300)]

CAP = 4
PROBES = sorted((PHOTOS / "probes").glob("*.jpg"))
QUICK = {"id": "foreign", "fleet.workers_max": CAP, "autoscaler.tick_s": 0.5, "autoscaler.idle_hold_s": 1,
         "worker.idle_poll_s": 0}


@dataclasses.dataclass
class Way:
    """How an earlier system's fleet was sized."""

    profile: str
    reply: Callable[[str, str], str]
    photos: int
    settings: dict = dataclasses.field(default_factory=dict)
    made_by_hand: bool = False  # the pool's instances, before anything of ours ran
    queues: tuple[str, ...] = ("foreign-req-queue", "foreign-resp-queue", "foreign-dead-queue")
    buckets: tuple[str, str] = ("foreign-in-bucket", "foreign-out-bucket")
    field: str = "inputFile"


WAYS = {
    "launch, end themselves": Way("s2-self-terminating-19", bare, 200),
    "launch, terminate": Way("s4-classify-20", json_string, 40, field="myfile",
                             queues=("sqs_input_queue", "sqs_output_queue"),
                             buckets=("project1inputimages", "project1output")),
    "launch, terminate, with a floor": Way("course-2025", by_stem, 40, {"fleet.running_floor": 1}),
    "pool": Way("s1-difference-19", by_file, 200, made_by_hand=True),
    "pool, with a floor": Way("s3-name-only-15", by_stem, 40, {"fleet.running_floor": 1}, made_by_hand=True),
    "pool that fills itself": Way("s0-stopped-pool-20", bare, 40),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("foreign")


@pytest.fixture(scope="module")
def moto(folder):
    with start_moto(folder) as url:
        yield url


@pytest.fixture(scope="module")
def enrolled():
    """Where people are enrolled by now: all systems are of one id, and share a gallery."""
    return set()


@pytest.fixture
def start(folder, request):
    """A function: start(endpoints, profile, settings) -> ForeignSystem."""
    systems = []

    def make(endpoints: dict[str, str], profile: str, settings: dict) -> ForeignSystem:
        systems.append(ForeignSystem(folder / f"{request.node.name}", endpoints, profile, settings))
        return systems[-1].start()

    yield make
    for system in systems:
        if request.session.testsfailed:
            print(system.logs())
        system.stop()
        end_all_instances(system)


def make_pool(system_of_ec2, count: int) -> None:
    """Stopped instances app-tier-instance-1…count, made as somebody makes them by hand."""
    ids = [one["InstanceId"] for one in system_of_ec2.run_instances(
        ImageId="ami-00000000000000000", InstanceType="t2.micro", MinCount=count, MaxCount=count)["Instances"]]
    for number, one in enumerate(ids, 1):
        system_of_ec2.create_tags(Resources=[one], Tags=[{"Key": "Name", "Value": f"app-tier-instance-{number}"}])
    system_of_ec2.stop_instances(InstanceIds=ids)


def ask_all(system: ForeignSystem, what: str, photos: int, labels: list[str], reply, field: str = "inputFile") -> None:
    def ask(number: int) -> str:
        probe = PROBES[number % len(PROBES)]
        return system.upload((f"{what}_{number:03}.jpg", probe.read_bytes()), field=field, timeout_s=100).text.strip()

    with concurrent.futures.ThreadPoolExecutor(32) as pool:
        answers = list(pool.map(ask, range(photos)))
    expected = itertools.islice(itertools.cycle(labels), photos)
    assert answers == [reply(f"{what}_{number:03}.jpg", label) for number, label in enumerate(expected)]


def assert_elastic(system: ForeignSystem, floor: int, photos: int, began: float) -> None:
    """From rest to the cap, never beyond it, and back; says what that took."""
    system.wait_for_rest()
    seen = system.hypervisor.seen
    assert (seen[0], max(seen), seen[-1]) == (floor, CAP, floor)
    assert system.hypervisor.failures == 0, system.logs()
    calls = {service: system.proxy.of(service) for service in ("s3", "sqs", "ec2")}
    ticks = (time.monotonic() - began) / system.settings["autoscaler"]["tick_s"]
    assert calls["ec2"]["DescribeInstances"] <= 1.2 * ticks + 10, "one a tick"
    print(f"{photos} photos, instances {floor} -> {max(seen)} -> {floor}; a photo: "
          f"{sum(calls['s3'].values()) / photos:.1f} S3, {sum(calls['sqs'].values()) / photos:.1f} SQS; "
          f"a tick: {calls['ec2']['DescribeInstances'] / ticks:.2f} DescribeInstances; {calls}")


@pytest.mark.parametrize("name", WAYS)
def test_moto_as_aws(start, moto, enrolled, name):
    way = WAYS[name]
    floor = way.settings.get("fleet.running_floor", 0)
    endpoints = dict.fromkeys(("sqs", "s3", "ec2"), moto)
    if way.made_by_hand:
        make_pool(ForeignSystem.client_of("ec2", moto), CAP)
    system = start(endpoints, way.profile, QUICK | way.settings)
    labels = [probe.stem for probe in PROBES]
    if way.profile.startswith("s4"):
        told = subprocess.run([BINARY, "classify", "--json", "--profile", way.profile, *PROBES], capture_output=True,
                              text=True, check=True, timeout=60)
        labels = [outcome["label"] for outcome in json.loads(told.stdout)]
    elif moto not in enrolled:
        system.enrol(PHOTOS / "people")
        enrolled.add(moto)
    system.wait_for_rest()
    system.begin_counting()
    what, began = f"p{list(WAYS).index(name)}", time.monotonic()
    ask_all(system, what, way.photos, labels, way.reply, way.field)
    assert_elastic(system, floor, way.photos, began)
    assert_queues_empty(system, *way.queues)
    into, out = way.buckets
    expected = {f"{what}_{number:03}.jpg" for number in range(way.photos)}
    assert {key for key in keys_of(system, into) if key.startswith(what)} == expected
    assert {key for key in keys_of(system, out) if key.startswith(what)} == {key.split(".")[0] for key in expected}
    ended = "stopped" if system.settings["fleet"].get("pool") else "terminated"
    assert system.count_instances(ended) >= CAP - floor


def test_elasticmq_as_sqs(start, moto, folder):
    """Objects are ours, instances moto's, and the queues a third party's."""
    if not JARS.is_dir():
        pytest.skip("./dev test fetches ElasticMQ")
    with start_elasticmq(folder) as sqs, start_localcloud(folder) as s3:
        system = start({"sqs": sqs, "s3": s3, "ec2": moto}, "course-2025", QUICK)
        system.enrol(PHOTOS / "people")
        system.wait_for_rest()
        system.begin_counting()
        began = time.monotonic()
        ask_all(system, "e", 200, [probe.stem for probe in PROBES], by_stem)
        assert_elastic(system, 0, 200, began)
        assert_queues_empty(system, "foreign-req-queue", "foreign-resp-queue", "foreign-dead-queue")
        assert len(keys_of(system, "foreign-out-bucket")) == 200
