"""Roles that run alone, against a cloud that nobody has prepared: `facefleet gateway|worker|autoscaler --profile …`."""

import json
import signal
import subprocess

import pytest
from alone import Gateway, Role
from system import wait_until
from test_kill import PROBES


@pytest.fixture
def start(binary, tmp_path, cloud, request):
    """A function: start(role, *flags, folder=…) -> Role, or a Gateway."""
    roles = []

    def make(role, *arguments, folder=None):
        data, environment = tmp_path / (folder or f"{role}-{len(roles)}"), cloud.environment()
        roles.append(Gateway(binary, data, environment, *arguments) if role == "gateway" else
                     Role(binary, role, data, environment, *arguments))
        return roles[-1]

    yield make
    for role in roles:
        role.end(signal.SIGKILL)
        if request.session.testsfailed:
            print(f"--- {role.role}\n{role.log.read_text()[-4000:]}")


def test_gateway_and_worker_make_what_is_missing_and_recognise(start, cloud, photos):
    """The worker comes first and finds nothing; the queue is as `up` makes it."""
    flags = ["--profile", "course-2025"]
    one = start("worker", *flags, "--instance-id", "w-1")
    gateway = start("gateway", *flags)
    gateway.wait_until_ready()
    answer = gateway.upload(photos / "probes" / "unknown.jpg")
    assert (answer.status, answer.text.strip()) == (200, "unknown:unknown")

    sqs, s3 = cloud.client("sqs"), cloud.client("s3")
    names = [url.rsplit("/", 1)[1] for url in sqs.list_queues()["QueueUrls"]]
    assert names == [f"1225754101-{which}-queue" for which in ("dead", "req", "resp")]
    attributes = sqs.get_queue_attributes(QueueUrl="1225754101-req-queue", AttributeNames=["All"])["Attributes"]
    assert attributes["VisibilityTimeout"] == "30"
    redrive = json.loads(attributes["RedrivePolicy"])
    assert redrive["deadLetterTargetArn"].endswith(":1225754101-dead-queue")
    assert int(redrive["maxReceiveCount"]) == 6
    assert [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]] == [
        f"1225754101-{which}" for which in ("galleries", "in-bucket", "jobs", "out-bucket")]
    assert one.end() == 0
    assert gateway.end() == 0


def test_a_gateway_settles_the_attributes_of_a_queue_that_another_profile_made(start, cloud):
    flags = ["--profile", "default", "--set", "fleet.workers_max=2"]
    start("gateway", *flags)
    sqs = cloud.client("sqs")

    def lease():
        urls = sqs.list_queues(QueueNamePrefix="facefleet-req-queue").get("QueueUrls")
        return urls and sqs.get_queue_attributes(QueueUrl=urls[0], AttributeNames=["VisibilityTimeout"])[
            "Attributes"]["VisibilityTimeout"]

    wait_until(lambda: lease() == "30", 20, "the request queue is there")
    start("gateway", *flags, "--set", "worker.lease_s=77")
    wait_until(lambda: lease() == "77", 20, "the second gateway has set its lease")


def test_keys_of_the_data_folder_are_asked_for(start, binary, tmp_path):
    made = subprocess.run([binary, "key", "--data", tmp_path / "keyed", "add", "me"], capture_output=True, text=True,
                          timeout=20, check=True)
    gateway = start("gateway", "--profile", "default", "--set", "fleet.workers_max=2", folder="keyed")
    assert gateway.get("/v1/models").status == 401
    assert gateway.get("/v1/models", headers={"X-API-Key": made.stdout.strip()}).status == 200


@pytest.mark.parametrize("role", ["gateway", "autoscaler"])
def test_a_fleet_elsewhere_needs_a_cap(binary, tmp_path, role):
    done = subprocess.run([binary, role, "--profile", "default", "--data", tmp_path], capture_output=True, text=True,
                          timeout=20, check=False)
    assert done.returncode == 2
    assert "fleet.workers_max" in done.stderr


def test_an_autoscaler_alone_makes_the_pool_and_uses_it(start_system, binary, tmp_path):
    """`up` is the EC2 here, and keeps out of it: its own policy is `none`, its fleet has no pool."""
    system = start_system("--workers-max", "2", "--set", "autoscaler.policy=none", ready=False)
    ec2 = system.boto3("ec2")

    def workers():
        named = [{"Name": "tag:Name", "Values": ["app-tier-instance-*"]}]
        return {instance["InstanceId"]: instance["State"]["Name"]
                for reservation in ec2.describe_instances(Filters=named)["Reservations"]
                for instance in reservation["Instances"]}

    assert workers() == {}
    scaler = Role(binary, "autoscaler", tmp_path / "scaler", system.credentials, "--profile", "default", "--set",
                  "fleet.workers_max=2", "--set", "fleet.pool=true", "--set", "autoscaler.idle_hold_s=0.5")
    try:
        wait_until(lambda: scaler.running() and list(workers().values()) == ["stopped"] * 2, 60, "the pool is there")
        pool = set(workers())
        # The gateway's own picture may have waited for the pool.
        wait_until(lambda: scaler.running() and system.get("/readyz").status == 200, 60, "/readyz says 200")
        answer = system.upload(("a.jpg", PROBES["unknown.jpg"]))
        assert (answer.status, answer.text.strip()) == (200, "a:unknown")
        wait_until(lambda: list(workers().values()) == ["stopped"] * 2, 60, "the idle are stopped")
        assert set(workers()) == pool
        assert scaler.end() == 0
    finally:
        scaler.end(signal.SIGKILL)
