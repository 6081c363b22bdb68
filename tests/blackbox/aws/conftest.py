"""What the tests against AWS's own tools share: one local cloud a file of tests, and clients of it by kind.

    boto3        the current one, in this process
    boto3-1.26   the one of Debian 12: SQS in the query form, S3 without checksums in trailers
    awscli       AWS's command line v1
    js           the JavaScript SDK v3

All are called alike: `client.call("SendMessage", QueueUrl=…, MessageBody=…)` gives what the operation gives, bodies of
objects as bytes, or raises AwsError. The last three live in processes of their own (sdk_hosts.py says how); ./dev test
installs them under .deps/.
"""

import subprocess
import tempfile
import uuid
from pathlib import Path

import pytest
from sdk_hosts import AwsError, Boto3Client, HostedClient, Hosts, OLD_SDK  # noqa: F401 (tests take AwsError from here)
from system import System, wait_until

SQS_KINDS = ["boto3", "boto3-1.26", "awscli", "js"]
S3_KINDS = ["boto3", "boto3-1.26", "js"]  # the command line has verbs of its own: see the fixture `aws`


class LocalCloud(System):
    """`facefleet localcloud` alone: queues, objects, tables, and nobody who uses them but the test."""

    def start(self, ready: bool = True) -> "LocalCloud":
        if "localcloud" not in self.run("--help").stdout:  # a program without it has the same doors in `up`
            return super().start(ready=False)
        self.data.mkdir(parents=True, exist_ok=True)
        (self.data / "endpoints.json").unlink(missing_ok=True)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [self.binary, "localcloud", "--data", self.data, "--listen", "127.0.0.1:0", *self.arguments],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.environment)
        endpoints = wait_until(lambda: self.running() and self.read_json("endpoints.json"), 60,
                               "localcloud has written endpoints.json")
        self.cloud_endpoint = endpoints["cloud"]
        return self

    @property
    def environment_of_tools(self) -> dict[str, str]:
        """What AWS's tools read."""
        env = self.credentials
        return {**self.environment, **env, "AWS_DEFAULT_REGION": env["AWS_REGION"], "AWS_CONFIG_FILE": "/dev/null",
                "AWS_SHARED_CREDENTIALS_FILE": "/dev/null", "AWS_EC2_METADATA_DISABLED": "true", "AWS_PAGER": ""}


@pytest.fixture(scope="module")
def cloud(binary, request):
    """One local cloud for all tests of a file."""
    with tempfile.TemporaryDirectory(prefix="facefleet-aws-") as folder:
        cloud = LocalCloud(binary, Path(folder) / "data", [], {})
        failed_before = request.session.testsfailed
        try:
            yield cloud.start()
        finally:
            cloud.stop()
            if request.session.testsfailed > failed_before:
                print(f"--- log of {cloud.data}\n{cloud.log.read_text()[-8000:]}")


@pytest.fixture(scope="module")
def client_of(cloud):
    """A function: client_of(kind, service) -> a client; one of each for the file."""
    hosts = Hosts(cloud.environment_of_tools)
    clients: dict[tuple[str, str], Boto3Client | HostedClient] = {}

    def make(kind: str, service: str):
        if (kind, service) not in clients:
            clients[kind, service] = (Boto3Client(cloud.boto3(service)) if kind == "boto3" else
                                      HostedClient(hosts, kind, service))
        return clients[kind, service]

    try:
        yield make
    finally:
        hosts.close()


@pytest.fixture(scope="module", params=SQS_KINDS)
def sqs(request, client_of):
    return client_of(request.param, "sqs")


@pytest.fixture(scope="module", params=S3_KINDS)
def s3(request, client_of):
    return client_of(request.param, "s3")


@pytest.fixture(scope="module")
def aws(cloud):
    """A function: aws("s3", "sync", …) runs the command line v1 as a person would, and gives the finished process."""

    def run(*arguments, **more) -> subprocess.CompletedProcess:
        environment = cloud.environment_of_tools
        return subprocess.run([*OLD_SDK.command("awscli"), *map(str, arguments), "--endpoint-url",
                               cloud.cloud_endpoint], capture_output=True, timeout=60, check=False,
                              **{"env": {**environment, **OLD_SDK.environment}, "text": True, **more})

    return run


@pytest.fixture
def name() -> str:
    """Of a queue or bucket that no other test has."""
    return f"test-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def queue(sqs, name):
    """The URL of a queue of this test's own."""
    url = sqs.call("CreateQueue", QueueName=name)["QueueUrl"]
    yield url
    try:
        sqs.call("DeleteQueue", QueueUrl=url)
    except AwsError as error:
        assert error.code == "AWS.SimpleQueueService.NonExistentQueue", error


@pytest.fixture
def bucket(s3, name):
    """The name of a bucket of this test's own."""
    s3.call("CreateBucket", Bucket=name)
    yield name
    while keys := s3.call("ListObjectsV2", Bucket=name).get("Contents"):
        s3.call("DeleteObjects", Bucket=name, Delete={"Objects": [{"Key": one["Key"]} for one in keys]})
    s3.call("DeleteBucket", Bucket=name)
