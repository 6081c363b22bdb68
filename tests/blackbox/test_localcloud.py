"""`facefleet localcloud`: the AWS doors alone, as one process."""

import contextlib
import http.client
import signal
import subprocess

import pytest
from alone import LocalCloud
from botocore.exceptions import ClientError


@pytest.fixture
def start(binary, tmp_path):
    started = []

    def make(*arguments):
        started.append(LocalCloud(binary, tmp_path / "data", *arguments))
        return started[-1]

    yield make
    for cloud in started:
        with contextlib.suppress(ProcessLookupError):
            cloud.end(signal.SIGKILL)


def test_it_keeps_what_it_acknowledged_and_its_lock_dies_with_it(start, binary):
    cloud = start()
    sqs, s3 = cloud.client("sqs"), cloud.client("s3")
    url = sqs.create_queue(QueueName="q")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="kept")
    s3.create_bucket(Bucket="bucket")
    s3.put_object(Bucket="bucket", Key="k", Body=b"kept")
    second = subprocess.run([binary, "localcloud", "--data", cloud.data, "--listen", "127.0.0.1:0"],
                            capture_output=True, text=True, timeout=20, check=False)
    assert second.returncode == 2
    assert "already" in second.stderr and str(cloud.process.pid) in second.stderr

    before = cloud.environment()
    cloud.end(signal.SIGKILL)
    again = start()
    assert again.environment() == before, "the same port and key, so that clients go on"
    assert again.client("sqs").receive_message(QueueUrl="q")["Messages"][0]["Body"] == "kept"
    assert again.client("s3").get_object(Bucket="bucket", Key="k")["Body"].read() == b"kept"
    again.end(signal.SIGTERM)
    assert again.process.returncode == 0
    assert not (again.data / "endpoints.json").exists()


def test_strict_doors_take_their_own_key_only(start):
    cloud = start()
    stranger = cloud.client("sqs", aws_access_key_id="AKSTRANGER", aws_secret_access_key="x")
    with pytest.raises(ClientError) as refused:
        stranger.list_queues()
    assert refused.value.response["Error"]["Code"] == "InvalidClientTokenId"


def test_any_key_is_taken_where_that_is_asked_for(start):
    cloud = start("--cloud-auth", "any")
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    cloud.client("sqs", **keys).create_queue(QueueName="q")
    s3 = cloud.client("s3", **keys)
    s3.create_bucket(Bucket="bucket")
    s3.put_object(Bucket="bucket", Key="k", Body=b"x")
    assert s3.get_object(Bucket="bucket", Key="k")["Body"].read() == b"x"


def test_where_any_key_is_taken_a_web_page_still_finds_the_doors_shut(start):
    """An image's address, a form, and a name of the page's own that was made to point here."""
    cloud = start("--cloud-auth", "any")
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    sqs = cloud.client("sqs", **keys)
    sqs.create_queue(QueueName="q")
    act = "Action=DeleteQueue&QueueUrl=q&X-Amz-Signature=x"
    key = {"Authorization": "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/sqs/aws4_request"}
    port = cloud.url.rsplit(":", 1)[1]

    def knock(method: str, path: str, headers: dict, body: str | None = None) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=20)
        connection.request(method, path, body, headers)
        return connection.getresponse().status

    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert knock("GET", f"/?{act}", {}) == 403
    assert knock("POST", "/", {**form, "Origin": "http://evil.example"}, act) == 403
    assert knock("POST", "/", {**form, **key, "Host": f"evil.example:{port}"}, act) == 403
    assert sqs.get_queue_url(QueueName="q")["QueueUrl"]
    assert knock("POST", "/", {**form, **key}, act) == 200, "a tool may"


@pytest.mark.parametrize("command", [["localcloud", "--listen"], ["up", "--cloud-listen"]])
def test_any_key_is_refused_beyond_loopback(binary, tmp_path, command):
    done = subprocess.run([binary, *command, "0.0.0.0:0", "--data", tmp_path, "--cloud-auth", "any"],
                          capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 2
    assert "loopback" in done.stderr and "--cloud-auth strict" in done.stderr
