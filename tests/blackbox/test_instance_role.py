"""A worker that nobody told who it is, as on an instance of EC2: identity, region and keys come from the instance
metadata service, and so does the notice that its time is over. The service is the local cloud's."""

import contextlib
import subprocess
import time
from pathlib import Path

import pytest
from system import wait_until, without_aws


@pytest.fixture(scope="module")
def system(start_file_system):
    """One whose fleet nobody sizes but the test."""
    return start_file_system("--set", "autoscaler.policy=none", ready=False)


@pytest.fixture
def instance(system) -> str:
    """An instance; the worker that the test starts is a second process on it."""
    ec2 = system.boto3("ec2")
    found = ec2.run_instances(ImageId="ami-1", MinCount=1, MaxCount=1)["Instances"][0]["InstanceId"]
    yield found
    ec2.terminate_instances(InstanceIds=[found])


def metadata_service_of(system, instance: str) -> str:
    """As the instance's own worker is told it, in an environment that only its own user can read."""
    def told() -> str | None:
        for pid in system.pids().get("workers", []):
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                if instance.encode() in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0"):
                    variables = Path(f"/proc/{pid}/environ").read_bytes().decode().split("\0")
                    return dict(one.split("=", 1) for one in variables if one)["AWS_EC2_METADATA_SERVICE_ENDPOINT"]
        return None

    return wait_until(told, 30, "the instance has a worker")


def on_the_instance(system, instance: str, **more: str) -> dict[str, str]:
    """The environment of a process on the instance: where the services are, and nothing of keys or regions."""
    endpoint = system.credentials["AWS_ENDPOINT_URL"]
    return {**without_aws(), "HOME": str(system.data / "nobody"), "AWS_ENDPOINT_URL": endpoint,
            "AWS_EC2_METADATA_SERVICE_ENDPOINT": metadata_service_of(system, instance), **more}


@pytest.fixture
def start_worker(system):
    workers = []

    def start(env: dict[str, str]) -> subprocess.Popen:
        log = (system.data / f"worker-{len(workers)}.log").open("wb")
        workers.append(subprocess.Popen([system.binary, "worker", "--data", system.data], env=env, stderr=log,
                                        stdout=log, stdin=subprocess.DEVNULL))
        workers[-1].log = system.data / f"worker-{len(workers) - 1}.log"
        log.close()
        return workers[-1]

    yield start
    for worker in workers:
        worker.kill()
        worker.wait()


def test_it_learns_all_from_its_instance_and_leaves_on_a_spot_notice(system, instance, start_worker):
    worker = start_worker(on_the_instance(system, instance))
    says = lambda what: what in worker.log.read_text() or worker.poll() is not None
    wait_until(lambda: says("ready"), 30, "the worker is ready")
    assert worker.poll() is None, worker.log.read_text()
    assert "this instance's role facefleet-worker" in worker.log.read_text()

    in_two_minutes = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 120))
    notice = {"Key": "facefleet:spot-termination", "Value": in_two_minutes}
    system.boto3("ec2").create_tags(Resources=[instance], Tags=[notice])
    assert worker.wait(15) == 0
    assert "spot notice" in worker.log.read_text()


def test_without_keys_it_says_where_it_looked(system, instance, start_worker):
    worker = start_worker(on_the_instance(system, instance, AWS_REGION="us-east-1", AWS_EC2_METADATA_DISABLED="true",
                                          AWS_ACCESS_KEY_ID=""))
    assert worker.wait(15) == 2
    said = worker.log.read_text()
    for place in ("AWS_ACCESS_KEY_ID", "AWS_WEB_IDENTITY_TOKEN_FILE", "the profile 'default'",
                  "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_EC2_METADATA_DISABLED"):
        assert place in said, said


@pytest.mark.parametrize("file", ["credentials", "config"])
def test_keys_and_region_may_be_in_a_profile(system, instance, start_worker, file):
    folder = system.data / f"home-{file}"
    (folder / ".aws").mkdir(parents=True)
    env = system.credentials
    keys = f"aws_access_key_id = {env['AWS_ACCESS_KEY_ID']}\naws_secret_access_key = {env['AWS_SECRET_ACCESS_KEY']}\n"
    region = f"region = {env['AWS_REGION']}\n"
    (folder / ".aws" / "config").write_text("[profile work]\n" + region + (keys if file == "config" else ""))
    (folder / ".aws" / "credentials").write_text("[work]\n" + keys if file == "credentials" else "")
    worker = start_worker(on_the_instance(system, instance, HOME=str(folder), AWS_PROFILE="work"))
    wait_until(lambda: "ready" in worker.log.read_text() or worker.poll() is not None, 30, "the worker is ready")
    assert worker.poll() is None, worker.log.read_text()
    worker.terminate()
    assert worker.wait(10) == 0
