"""The local cloud's doors as AWS's own Python SDK uses them: SQS, S3 and EC2 with nothing changed but the endpoint."""

import io
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from concurrent.futures import ThreadPoolExecutor
from xml.etree import ElementTree

import boto3
import botocore.auth
import botocore.awsrequest
import botocore.config
import botocore.credentials
import pytest
from botocore.exceptions import ClientError

ODD_TEXTS = ["plain", 'a "b" <c> & d', "one\rtwo\r\nthree\ttab", "é € 😀", "x" * 100_000]


def code(error) -> str:
    return error.value.response["Error"]["Code"]


@pytest.fixture
def sqs(shared_system):
    return shared_system.boto3("sqs")


@pytest.fixture
def s3(shared_system):
    return shared_system.boto3("s3")


@pytest.fixture
def ec2(shared_system):
    return shared_system.boto3("ec2")


@pytest.fixture
def queue(sqs):
    url = sqs.create_queue(QueueName=f"test-{uuid.uuid4().hex}")["QueueUrl"]
    yield url
    sqs.delete_queue(QueueUrl=url)


@pytest.fixture
def bucket(s3):
    name = f"test-{uuid.uuid4().hex}"
    s3.create_bucket(Bucket=name)
    yield name
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=name):
        for entry in page.get("Contents", []):
            s3.delete_object(Bucket=name, Key=entry["Key"])
    s3.delete_bucket(Bucket=name)


@pytest.fixture
def query(shared_system):
    """Calls SQS in the query form, which boto3 spoke until 1.34 and Debian's tools still do."""

    def call(action: str, **parameters) -> ElementTree.Element:
        env = shared_system.credentials
        form = urllib.parse.urlencode({"Action": action, "Version": "2012-11-05", **parameters})
        request = botocore.awsrequest.AWSRequest(
            "POST", env["AWS_ENDPOINT_URL"] + "/", data=form,
            headers={"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"})
        credentials = botocore.credentials.Credentials(env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"])
        botocore.auth.SigV4Auth(credentials, "sqs", "us-west-2").add_auth(request)
        try:
            with urllib.request.urlopen(
                    urllib.request.Request(request.url, form.encode(), dict(request.headers))) as response:
                body = response.read()
        except urllib.error.HTTPError as error:
            with error:
                body = error.read()
        root = ElementTree.fromstring(body)
        for element in root.iter():
            element.tag = element.tag.split("}")[-1]
        return root

    return call


class TestSqs:
    # boto3 compares each MD5 with the body it sent and got, so a byte lost on the way fails these.
    @pytest.mark.parametrize("text", ODD_TEXTS, ids=range(len(ODD_TEXTS)))
    def test_a_message_comes_back_as_it_was(self, sqs, queue, text):
        sent = sqs.send_message(QueueUrl=queue, MessageBody=text)
        (got,) = sqs.receive_message(QueueUrl=queue, MessageSystemAttributeNames=["All"])["Messages"]
        assert got["Body"] == text
        assert got["MessageId"] == sent["MessageId"]
        assert got["Attributes"]["ApproximateReceiveCount"] == "1"
        sqs.delete_message(QueueUrl=queue, ReceiptHandle=got["ReceiptHandle"])
        assert "Messages" not in sqs.receive_message(QueueUrl=queue)

    @pytest.mark.parametrize("text", ODD_TEXTS, ids=range(len(ODD_TEXTS)))
    def test_and_in_the_query_form(self, query, queue, text):
        sent = query("SendMessage", QueueUrl=queue, MessageBody=text)
        got = query("ReceiveMessage", QueueUrl=queue)
        assert got.findtext(".//Message/Body") == text
        assert got.findtext(".//MD5OfBody") == sent.findtext(".//MD5OfMessageBody")
        query("DeleteMessage", QueueUrl=queue, ReceiptHandle=got.findtext(".//ReceiptHandle"))
        assert query("ReceiveMessage", QueueUrl=queue).find(".//Message") is None

    def test_a_queue_is_known_by_its_bare_name(self, sqs, queue):
        name = queue.rsplit("/", 1)[1]
        sqs.send_message(QueueUrl=name, MessageBody="x")
        attributes = sqs.get_queue_attributes(QueueUrl=name, AttributeNames=["ApproximateNumberOfMessages"])
        assert attributes["Attributes"] == {"ApproximateNumberOfMessages": "1"}
        sqs.purge_queue(QueueUrl=name)
        attributes = sqs.get_queue_attributes(QueueUrl=name, AttributeNames=["All"])["Attributes"]
        assert attributes["ApproximateNumberOfMessages"] == "0"
        assert sqs.get_queue_url(QueueName=name)["QueueUrl"] == queue

    def test_counts_are_exact(self, sqs, queue):
        def counts():
            attributes = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["All"])["Attributes"]
            return [int(attributes["ApproximateNumberOfMessages" + which]) for which in ("", "NotVisible", "Delayed")]

        for delay in (0, 0, 60):
            sqs.send_message(QueueUrl=queue, MessageBody="x", DelaySeconds=delay)
        assert counts() == [2, 0, 1]
        (got,) = sqs.receive_message(QueueUrl=queue)["Messages"]
        assert counts() == [1, 1, 1]
        sqs.change_message_visibility(QueueUrl=queue, ReceiptHandle=got["ReceiptHandle"], VisibilityTimeout=0)
        assert counts() == [2, 0, 1]

    def test_batches(self, sqs, queue):
        entries = [{"Id": str(i), "MessageBody": f"body {i}"} for i in range(10)]
        assert len(sqs.send_message_batch(QueueUrl=queue, Entries=entries)["Successful"]) == 10
        got = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)["Messages"]
        assert sorted(message["Body"] for message in got) == sorted(entry["MessageBody"] for entry in entries)
        receipts = [{"Id": str(i), "ReceiptHandle": message["ReceiptHandle"]} for i, message in enumerate(got)]
        later = [{**receipt, "VisibilityTimeout": 60} for receipt in receipts]
        assert len(sqs.change_message_visibility_batch(QueueUrl=queue, Entries=later)["Successful"]) == 10
        receipts[3]["ReceiptHandle"] = "rubbish"
        answer = sqs.delete_message_batch(QueueUrl=queue, Entries=receipts)
        assert len(answer["Successful"]) == 9
        (failed,) = answer["Failed"]
        assert (failed["Id"], failed["Code"], failed["SenderFault"]) == ("3", "ReceiptHandleIsInvalid", True)

    def test_a_long_poll_wakes_on_a_send(self, sqs, queue):
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(sqs.receive_message, QueueUrl=queue, WaitTimeSeconds=20)
            time.sleep(0.2)  # the poll is on its way; were it not, the test would only prove less
            sent = time.monotonic()
            sqs.send_message(QueueUrl=queue, MessageBody="x")
            assert waiting.result()["Messages"]
            assert time.monotonic() - sent < 10

    def test_queues_are_listed_page_by_page(self, sqs):
        prefix = f"page-{uuid.uuid4().hex}-"
        urls = [sqs.create_queue(QueueName=f"{prefix}{i}")["QueueUrl"] for i in range(5)]
        pages = sqs.get_paginator("list_queues").paginate(QueueNamePrefix=prefix, PaginationConfig={"PageSize": 2})
        assert [url for page in pages for url in page["QueueUrls"]] == urls
        for url in urls:
            sqs.delete_queue(QueueUrl=url)
        assert "QueueUrls" not in sqs.list_queues(QueueNamePrefix=prefix)

    def test_errors_are_those_that_code_catches(self, sqs, query, queue):
        with pytest.raises(sqs.exceptions.QueueDoesNotExist) as error:
            sqs.send_message(QueueUrl="none", MessageBody="x")
        assert code(error) == "AWS.SimpleQueueService.NonExistentQueue"
        with pytest.raises(sqs.exceptions.ReceiptHandleIsInvalid):
            sqs.delete_message(QueueUrl=queue, ReceiptHandle="rubbish")
        with pytest.raises(ClientError) as error:
            sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=11)
        assert code(error) == "InvalidParameterValue"
        with pytest.raises(sqs.exceptions.QueueNameExists) as error:
            sqs.create_queue(QueueName=queue.rsplit("/", 1)[1], Attributes={"DelaySeconds": "7"})
        assert code(error) == "QueueAlreadyExists"
        assert query("SendMessage", QueueUrl="none", MessageBody="x").findtext(".//Code") == \
            "AWS.SimpleQueueService.NonExistentQueue"
        assert query("Frobnicate").findtext(".//Code") == "InvalidAction"


class TestS3:
    @pytest.mark.parametrize("key", ["a.jpg", "dir/b c+d.jpg", "ümlaut/😀", "a//b", "100%25", "..hidden", 'q"&<>\''])
    def test_an_object_comes_back_as_it_was(self, s3, bucket, key):
        body = bytes(range(256)) * 50
        s3.put_object(Bucket=bucket, Key=key, Body=body, ContentType="image/jpeg", Metadata={"who": "me"})
        got = s3.get_object(Bucket=bucket, Key=key)
        assert got["Body"].read() == body
        assert (got["ContentType"], got["Metadata"]) == ("image/jpeg", {"who": "me"})
        head = s3.head_object(Bucket=bucket, Key=key)
        assert (head["ContentLength"], head["ETag"]) == (len(body), got["ETag"])
        assert [entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket)["Contents"]] == [key]
        s3.delete_object(Bucket=bucket, Key=key)
        with pytest.raises(s3.exceptions.NoSuchKey):
            s3.get_object(Bucket=bucket, Key=key)

    @pytest.mark.parametrize("algorithm", ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"])
    def test_uploads_with_a_checksum(self, s3, bucket, algorithm):
        if algorithm in ("CRC32C", "CRC64NVME"):
            pytest.importorskip("awscrt", reason="boto3 computes this one with awscrt")
        answer = s3.put_object(Bucket=bucket, Key="k", Body=io.BytesIO(b"photo"), ChecksumAlgorithm=algorithm)
        assert answer["Checksum" + algorithm]
        assert s3.get_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")["Body"].read() == b"photo"

    def test_a_file_and_a_stream_upload(self, s3, bucket):
        s3.upload_fileobj(io.BytesIO(b"x" * 1_000_000), bucket, "stream")
        target = io.BytesIO()
        s3.download_fileobj(bucket, "stream", target)
        assert target.getvalue() == b"x" * 1_000_000

    def test_ranges_and_conditions(self, s3, bucket):
        etag = s3.put_object(Bucket=bucket, Key="k", Body=b"0123456789", IfNoneMatch="*")["ETag"]
        part = s3.get_object(Bucket=bucket, Key="k", Range="bytes=-3")
        assert (part["Body"].read(), part["ContentRange"]) == (b"789", "bytes 7-9/10")
        for call, why in [
                (lambda: s3.put_object(Bucket=bucket, Key="k", Body=b"", IfNoneMatch="*"), "PreconditionFailed"),
                (lambda: s3.get_object(Bucket=bucket, Key="k", Range="bytes=10-"), "InvalidRange"),
                (lambda: s3.get_object(Bucket=bucket, Key="k", IfMatch='"other"'), "PreconditionFailed"),
                (lambda: s3.get_object(Bucket=bucket, Key="k", IfNoneMatch=etag), "304")]:
            with pytest.raises(ClientError) as error:
                call()
            assert code(error) == why

    def test_listings_page_through_everything(self, s3, bucket):
        keys = sorted(f"{folder}/{i}" for folder in "abc" for i in range(3)) + ["d", "e f"]
        for key in keys:
            s3.put_object(Bucket=bucket, Key=key, Body=b"x")
        for version in ("list_objects", "list_objects_v2"):
            pages = s3.get_paginator(version).paginate(Bucket=bucket, PaginationConfig={"PageSize": 2})
            assert [entry["Key"] for page in pages for entry in page.get("Contents", [])] == keys
            pages = list(s3.get_paginator(version).paginate(Bucket=bucket, Delimiter="/",
                                                            PaginationConfig={"PageSize": 1}))
            assert [entry["Prefix"] for page in pages for entry in page.get("CommonPrefixes", [])] == \
                ["a/", "b/", "c/"]
            assert [entry["Key"] for page in pages for entry in page.get("Contents", [])] == ["d", "e f"]

    def test_a_whole_bucket_is_emptied_as_students_do(self, shared_system, s3, bucket):
        for i in range(20):
            s3.put_object(Bucket=bucket, Key=f"photo {i}.jpg", Body=b"x")
        env = shared_system.credentials
        resource = boto3.resource("s3", endpoint_url=env["AWS_ENDPOINT_URL"], region_name=env["AWS_REGION"],
                                  aws_access_key_id=env["AWS_ACCESS_KEY_ID"],
                                  aws_secret_access_key=env["AWS_SECRET_ACCESS_KEY"])
        assert len(list(resource.Bucket(bucket).objects.all())) == 20
        resource.Bucket(bucket).objects.all().delete()
        assert list(resource.Bucket(bucket).objects.all()) == []

    def test_a_presigned_link_opens(self, shared_system, s3, bucket):
        s3.put_object(Bucket=bucket, Key="a b.txt", Body=b"hello")
        env = shared_system.credentials
        s3 = boto3.client("s3", endpoint_url=env["AWS_ENDPOINT_URL"], region_name=env["AWS_REGION"],
                          aws_access_key_id=env["AWS_ACCESS_KEY_ID"],
                          aws_secret_access_key=env["AWS_SECRET_ACCESS_KEY"],
                          config=botocore.config.Config(signature_version="s3v4"))
        link = s3.generate_presigned_url("get_object", {"Bucket": bucket, "Key": "a b.txt"}, ExpiresIn=60)
        with urllib.request.urlopen(link) as response:
            assert response.read() == b"hello"
        with pytest.raises(urllib.error.HTTPError) as error:
            urllib.request.urlopen(link.replace("a%20b.txt", "other"))
        with error.value:
            assert error.value.code == 403

    def test_buckets(self, s3, bucket):
        assert bucket in [one["Name"] for one in s3.list_buckets()["Buckets"]]
        s3.head_bucket(Bucket=bucket)
        s3.get_bucket_location(Bucket=bucket)
        s3.put_object(Bucket=bucket, Key="k", Body=b"x")
        with pytest.raises(ClientError) as error:
            s3.delete_bucket(Bucket=bucket)
        assert code(error) == "BucketNotEmpty"
        with pytest.raises(s3.exceptions.NoSuchBucket):
            s3.list_objects_v2(Bucket="no-such-bucket")
        with pytest.raises(ClientError) as error:
            s3.get_bucket_acl(Bucket=bucket)
        assert code(error) == "NotImplemented"


class TestEc2:
    def test_an_instance_from_launch_to_end(self, start_system):
        ec2 = start_system("--workers-max", 4).boto3("ec2")  # room beside the workers that the autoscaler keeps
        (instance,) = ec2.run_instances(ImageId="ami-12345678", MinCount=1, MaxCount=1, InstanceType="t2.micro")[
            "Instances"]
        ids = [instance["InstanceId"]]
        assert instance["State"]["Name"] == "pending"
        ec2.get_waiter("instance_running").wait(InstanceIds=ids, WaiterConfig={"Delay": 1, "MaxAttempts": 30})
        (reservation,) = ec2.describe_instances(InstanceIds=ids)["Reservations"]
        tags = {tag["Key"]: tag["Value"] for tag in reservation["Instances"][0]["Tags"]}
        assert tags["Name"].startswith("app-tier-instance-")
        running = ec2.describe_instances(Filters=[
            {"Name": "tag:Name", "Values": ["app-tier-instance-*"]},
            {"Name": "instance-state-name", "Values": ["pending", "running"]}])["Reservations"]
        assert ids[0] in [one["InstanceId"] for group in running for one in group["Instances"]]
        (change,) = ec2.terminate_instances(InstanceIds=ids)["TerminatingInstances"]
        assert change["PreviousState"]["Name"] == "running"
        assert change["CurrentState"]["Name"] in ("shutting-down", "terminated")
        ec2.get_waiter("instance_terminated").wait(InstanceIds=ids, WaiterConfig={"Delay": 1, "MaxAttempts": 60})

    def test_errors_are_those_that_code_catches(self, ec2):
        for call, why in [
                (lambda: ec2.run_instances(ImageId="ami-1", MinCount=1_000, MaxCount=1_000),
                 "InsufficientInstanceCapacity"),
                (lambda: ec2.describe_instances(InstanceIds=["i-0123456789abcdef0"]), "InvalidInstanceID.NotFound"),
                (lambda: ec2.terminate_instances(InstanceIds=["nonsense"]), "InvalidInstanceID.Malformed"),
                (lambda: ec2.describe_instances(Filters=[{"Name": "colour", "Values": ["red"]}]),
                 "InvalidParameterValue"),
                (lambda: ec2.run_instances(ImageId="ami-1", MinCount=1, MaxCount=1, DryRun=True), "DryRunOperation"),
                (lambda: ec2.describe_volumes(), "InvalidAction")]:
            with pytest.raises(ClientError) as error:
                call()
            assert code(error) == why

    def test_all_pages_together_are_all_instances(self, ec2):
        pages = ec2.get_paginator("describe_instances").paginate(PaginationConfig={"PageSize": 5})
        paged = [one["InstanceId"] for page in pages for group in page["Reservations"] for one in group["Instances"]]
        assert len(paged) == len(set(paged))


class TestWhoGetsIn:
    @pytest.mark.parametrize("service, call, unknown_key", [
        ("sqs", lambda client: client.list_queues(), "InvalidClientTokenId"),
        ("s3", lambda client: client.list_buckets(), "InvalidAccessKeyId"),
        ("ec2", lambda client: client.describe_instances(), "AuthFailure")])
    def test_only_who_has_the_key_and_the_secret(self, shared_system, service, call, unknown_key):
        env = shared_system.credentials
        for key, secret, why in [("AKIDUNKNOWN", "whatever", unknown_key),
                                 (env["AWS_ACCESS_KEY_ID"], "wrong",
                                  "AuthFailure" if service == "ec2" else "SignatureDoesNotMatch")]:
            client = boto3.client(service, endpoint_url=env["AWS_ENDPOINT_URL"], region_name="us-east-1",
                                  aws_access_key_id=key, aws_secret_access_key=secret)
            with pytest.raises(ClientError) as error:
                call(client)
            assert code(error) == why

    def test_any_region_will_do(self, shared_system):
        env = shared_system.credentials
        client = boto3.client("sqs", endpoint_url=env["AWS_ENDPOINT_URL"], region_name="ap-southeast-2",
                              aws_access_key_id=env["AWS_ACCESS_KEY_ID"],
                              aws_secret_access_key=env["AWS_SECRET_ACCESS_KEY"])
        client.list_queues()

    def test_an_unsigned_request_is_turned_away(self, shared_system):
        with pytest.raises(urllib.error.HTTPError) as error:
            urllib.request.urlopen(shared_system.cloud_endpoint)
        with error.value:
            assert error.value.code == 403
            assert b"<Code>AccessDenied</Code>" in error.value.read()
