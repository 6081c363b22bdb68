"""Queues through SQS's own tools: made, found, listed, changed, tagged, purged, deleted, with dead letters, by every
client."""

import json
import uuid
from xml.etree import ElementTree

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import pytest
import urllib3
from sdk_hosts import AwsError

PREFIX = "AWS.SimpleQueueService."
FLAT = {"DelaySeconds": "5", "MaximumMessageSize": "2048", "MessageRetentionPeriod": "120",
        "ReceiveMessageWaitTimeSeconds": "3", "VisibilityTimeout": "60"}


def refused(call, code: str, words: str = "", status: int = 400):
    with pytest.raises(AwsError) as error:
        call()
    assert error.value.code == code, error.value
    assert words in error.value.message
    assert error.value.status in (status, 0)


def attributes_of(sqs, queue, *names) -> dict:
    return sqs.call("GetQueueAttributes", QueueUrl=queue, AttributeNames=list(names) or ["All"]).get("Attributes", {})


@pytest.fixture
def make(sqs):
    """A function that makes a queue of a name of its own."""
    made = []

    def make(prefix: str = "test", **more) -> str:
        made.append(sqs.call("CreateQueue", QueueName=f"{prefix}-{uuid.uuid4().hex[:12]}", **more)["QueueUrl"])
        return made[-1]

    yield make
    for url in made:
        sqs.call("DeleteQueue", QueueUrl=url)


class TestNames:
    def test_a_url_leads_back_to_where_it_was_asked_for(self, sqs, cloud, queue, name):
        assert queue == f"{cloud.cloud_endpoint}/000000000000/{name}"
        assert sqs.call("GetQueueUrl", QueueName=name)["QueueUrl"] == queue

    def test_by_url_by_path_and_by_name(self, client_of, cloud, name):
        """By the clients that send what they are given: the command line and the old boto3 go to the URL instead."""
        sqs = client_of("boto3", "sqs")
        url = sqs.call("CreateQueue", QueueName=name)["QueueUrl"]
        for form in (url, f"/000000000000/{name}", name, f"http://elsewhere.example:1/000000000000/{name}"):
            sqs.call("SendMessage", QueueUrl=form, MessageBody=form)
        assert attributes_of(sqs, name, "ApproximateNumberOfMessages") == {"ApproximateNumberOfMessages": "4"}

    @pytest.mark.parametrize("wrong", ["not a name", "a" * 81, "é", "a.b"])
    def test_what_is_no_name(self, sqs, wrong):
        refused(lambda: sqs.call("CreateQueue", QueueName=wrong), "InvalidParameterValue",
                "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length")

    def test_a_queue_that_is_not_there(self, sqs):
        words = "The specified queue does not exist"
        refused(lambda: sqs.call("GetQueueUrl", QueueName="none"), PREFIX + "NonExistentQueue", words)
        if sqs.kind in ("boto3-1.26", "awscli"):
            refused(lambda: sqs.call("GetQueueUrl", QueueName="none"), PREFIX + "NonExistentQueue",
                    "for this wsdl version.")

    @pytest.mark.parametrize("operation, more", [
        ("SendMessage", {"MessageBody": "x"}), ("ReceiveMessage", {}), ("PurgeQueue", {}), ("DeleteQueue", {}),
        ("GetQueueAttributes", {"AttributeNames": ["All"]}), ("ListQueueTags", {}), ("ListDeadLetterSourceQueues", {}),
        ("DeleteMessage", {"ReceiptHandle": "x"}), ("SetQueueAttributes", {"Attributes": {"DelaySeconds": "1"}}),
        ("TagQueue", {"Tags": {"a": "b"}}), ("UntagQueue", {"TagKeys": ["a"]}),
        ("ChangeMessageVisibility", {"ReceiptHandle": "x", "VisibilityTimeout": 1})])
    def test_every_action_says_so(self, sqs, cloud, operation, more):
        url = f"{cloud.cloud_endpoint}/000000000000/no-such-queue"
        refused(lambda: sqs.call(operation, QueueUrl=url, **more), PREFIX + "NonExistentQueue")


class TestListing:
    def test_by_prefix_and_page(self, sqs, make):
        prefix = f"list-{uuid.uuid4().hex[:8]}"
        urls = sorted(make(prefix) for _ in range(5))
        make("other")
        assert sqs.call("ListQueues", QueueNamePrefix=prefix)["QueueUrls"] == urls
        pages, token = [], {}
        while True:
            page = sqs.call("ListQueues", QueueNamePrefix=prefix, MaxResults=2, **token)
            pages.append(page["QueueUrls"])
            if "NextToken" not in page:
                break
            token = {"NextToken": page["NextToken"]}
        assert [len(page) for page in pages] == [2, 2, 1]
        assert sum(pages, []) == urls
        assert not sqs.call("ListQueues", QueueNamePrefix="no-such-prefix").get("QueueUrls")

    def test_page_sizes(self, sqs):
        for size in (0, 1001):
            refused(lambda: sqs.call("ListQueues", MaxResults=size), "InvalidParameterValue", "MaxResults")


class TestAttributes:
    def test_a_queue_has_what_it_was_made_with(self, sqs, make):
        queue = make(Attributes=FLAT)
        got = attributes_of(sqs, queue)
        assert FLAT.items() <= got.items()
        assert got["QueueArn"].startswith("arn:aws:sqs:") and got["QueueArn"].endswith(queue.rsplit("/", 1)[1])
        assert int(got["CreatedTimestamp"]) <= int(got["LastModifiedTimestamp"])
        assert "RedrivePolicy" not in got
        assert attributes_of(sqs, queue, "DelaySeconds", "VisibilityTimeout") == {
            "DelaySeconds": "5", "VisibilityTimeout": "60"}

    def test_defaults_are_aws_own(self, sqs, make):
        assert {"DelaySeconds": "0", "MaximumMessageSize": "1048576", "MessageRetentionPeriod": "345600",
                "ReceiveMessageWaitTimeSeconds": "0", "VisibilityTimeout": "30", "ApproximateNumberOfMessages": "0",
                "ApproximateNumberOfMessagesNotVisible": "0", "ApproximateNumberOfMessagesDelayed": "0"
                }.items() <= attributes_of(sqs, make()).items()

    def test_making_it_again(self, sqs, make):
        queue = make(Attributes={"DelaySeconds": "3"})
        again = {"QueueName": queue.rsplit("/", 1)[1]}
        assert sqs.call("CreateQueue", **again, Attributes={"DelaySeconds": "3"})["QueueUrl"] == queue
        assert sqs.call("CreateQueue", **again)["QueueUrl"] == queue
        refused(lambda: sqs.call("CreateQueue", **again, Attributes={"DelaySeconds": "4"}),
                "QueueAlreadyExists", "A queue already exists with the same name and a different value for attribute "
                                      "DelaySeconds")

    @pytest.mark.parametrize("attribute, low, high", [
        ("DelaySeconds", 0, 900), ("MaximumMessageSize", 1024, 1_048_576), ("MessageRetentionPeriod", 60, 1_209_600),
        ("ReceiveMessageWaitTimeSeconds", 0, 20), ("VisibilityTimeout", 0, 43_200)])
    def test_limits(self, sqs, queue, attribute, low, high):
        for value in (low, high):
            sqs.call("SetQueueAttributes", QueueUrl=queue, Attributes={attribute: str(value)})
            assert attributes_of(sqs, queue, attribute) == {attribute: str(value)}
        for value in (str(low - 1), str(high + 1), "x", ""):
            refused(lambda: sqs.call("SetQueueAttributes", QueueUrl=queue, Attributes={attribute: value}),
                    "InvalidAttributeValue", f"Invalid value for the parameter {attribute}.")
        assert attributes_of(sqs, queue, attribute) == {attribute: str(high)}

    def test_names_that_no_queue_has(self, sqs, queue):
        refused(lambda: sqs.call("SetQueueAttributes", QueueUrl=queue, Attributes={"FifoQueue": "true"}),
                "InvalidAttributeName", "Unknown Attribute FifoQueue.")
        refused(lambda: sqs.call("GetQueueAttributes", QueueUrl=queue, AttributeNames=["Colour"]),
                "InvalidAttributeName", "Unknown Attribute Colour.")


class TestDeadLetters:
    def arn(self, sqs, queue) -> str:
        return attributes_of(sqs, queue, "QueueArn")["QueueArn"]

    def policy(self, arn: str, receives) -> dict:
        return {"RedrivePolicy": json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": receives})}

    def test_a_message_received_too_often_moves_with_its_attributes(self, sqs, make):
        dead = make("dead")
        queue = make(Attributes={**self.policy(self.arn(sqs, dead), 2), "VisibilityTimeout": "0"})
        attributes = {"why": {"DataType": "String", "StringValue": "kept"}}
        sent = sqs.call("SendMessage", QueueUrl=queue, MessageBody="poison", MessageAttributes=attributes)
        for _ in range(2):
            assert sqs.call("ReceiveMessage", QueueUrl=queue)["Messages"][0]["MessageId"] == sent["MessageId"]
        assert not sqs.call("ReceiveMessage", QueueUrl=queue).get("Messages")
        (buried,) = sqs.call("ReceiveMessage", QueueUrl=dead, WaitTimeSeconds=5,
                             MessageAttributeNames=["All"])["Messages"]
        assert (buried["Body"], buried["MessageId"]) == ("poison", sent["MessageId"])
        assert buried["MessageAttributes"] == attributes
        assert attributes_of(sqs, queue, "ApproximateNumberOfMessages")["ApproximateNumberOfMessages"] == "0"

    def test_the_policy_is_told_and_taken_away(self, sqs, make):
        dead = make("dead")
        arn = self.arn(sqs, dead)
        queue = make(Attributes=self.policy(arn, "7"))
        told = json.loads(attributes_of(sqs, queue, "RedrivePolicy")["RedrivePolicy"])
        assert told == {"deadLetterTargetArn": arn, "maxReceiveCount": 7}
        assert sqs.call("ListDeadLetterSourceQueues", QueueUrl=dead)["queueUrls"] == [queue]
        sqs.call("SetQueueAttributes", QueueUrl=queue, Attributes={"RedrivePolicy": ""})
        assert "RedrivePolicy" not in attributes_of(sqs, queue)
        assert not sqs.call("ListDeadLetterSourceQueues", QueueUrl=dead).get("queueUrls")

    def test_sources_come_in_pages(self, sqs, make):
        dead = make("dead")
        sources = sorted(make(Attributes=self.policy(self.arn(sqs, dead), 1)) for _ in range(3))
        first = sqs.call("ListDeadLetterSourceQueues", QueueUrl=dead, MaxResults=2)
        rest = sqs.call("ListDeadLetterSourceQueues", QueueUrl=dead, MaxResults=2, NextToken=first["NextToken"])
        assert first["queueUrls"] + rest["queueUrls"] == sources

    @pytest.mark.parametrize("policy", [
        "not json", '{"maxReceiveCount": 1}', '{"deadLetterTargetArn": "nonsense", "maxReceiveCount": 1}',
        '{"deadLetterTargetArn": "arn:aws:sqs:us-east-1:000000000000:no-such-queue", "maxReceiveCount": 1}',
        '{"deadLetterTargetArn": "SELF", "maxReceiveCount": 0}',
        '{"deadLetterTargetArn": "SELF", "maxReceiveCount": 1001}'])
    def test_policies_that_are_none(self, sqs, queue, policy):
        policy = policy.replace("SELF", self.arn(sqs, queue))
        refused(lambda: sqs.call("SetQueueAttributes", QueueUrl=queue, Attributes={"RedrivePolicy": policy}),
                "InvalidParameterValue", "for parameter RedrivePolicy is invalid.")
        assert "RedrivePolicy" not in attributes_of(sqs, queue)


class TestTags:
    def test_they_are_laid_over_one_another(self, sqs, make):
        queue = make(tags={"a": "1", "b c": "é \"x\""})
        sqs.call("TagQueue", QueueUrl=queue, Tags={"a": "2", "d": ""})
        assert sqs.call("ListQueueTags", QueueUrl=queue)["Tags"] == {"a": "2", "b c": "é \"x\"", "d": ""}
        sqs.call("UntagQueue", QueueUrl=queue, TagKeys=["a", "no-such"])
        assert sqs.call("ListQueueTags", QueueUrl=queue)["Tags"] == {"b c": "é \"x\"", "d": ""}
        assert sqs.call("ListQueueTags", QueueUrl=make()).get("Tags", {}) == {}

    def test_at_most_fifty(self, sqs, queue):
        refused(lambda: sqs.call("TagQueue", QueueUrl=queue, Tags={f"k{i}": "v" for i in range(51)}),
                "InvalidParameterValue", "Maximum number of tags allowed is 50")


class TestPurgeAndDelete:
    def test_a_purge_takes_all_once_a_minute(self, sqs, queue, name):
        sqs.call("SendMessage", QueueUrl=queue, MessageBody="in flight")
        (leased,) = sqs.call("ReceiveMessage", QueueUrl=queue)["Messages"]
        sqs.call("SendMessage", QueueUrl=queue, MessageBody="visible")
        sqs.call("SendMessage", QueueUrl=queue, MessageBody="delayed", DelaySeconds=600)
        sqs.call("PurgeQueue", QueueUrl=queue)
        counts = attributes_of(sqs, queue, "ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible",
                               "ApproximateNumberOfMessagesDelayed")
        assert set(counts.values()) == {"0"}
        sqs.call("DeleteMessage", QueueUrl=queue, ReceiptHandle=leased["ReceiptHandle"])
        refused(lambda: sqs.call("PurgeQueue", QueueUrl=queue), PREFIX + "PurgeQueueInProgress",
                f"Only one PurgeQueue operation on {name} is allowed every 60 seconds.", 403)

    def test_a_deleted_queue_is_gone_and_its_name_rests(self, sqs, queue, name):
        sqs.call("DeleteQueue", QueueUrl=queue)
        refused(lambda: sqs.call("SendMessage", QueueUrl=queue, MessageBody="x"), PREFIX + "NonExistentQueue")
        assert not sqs.call("ListQueues", QueueNamePrefix=name).get("QueueUrls")
        refused(lambda: sqs.call("CreateQueue", QueueName=name), PREFIX + "QueueDeletedRecently",
                "You must wait 60 seconds after deleting a queue before you can create another with the same name.")


class TestWhatIsNotHere:
    def test_fifo_queues(self, sqs):
        refused(lambda: sqs.call("CreateQueue", QueueName="q.fifo", Attributes={"FifoQueue": "true"}),
                PREFIX + "UnsupportedOperation", "FIFO")

    def test_message_move_tasks(self, client_of):
        for kind in ("boto3", "js"):
            sqs = client_of(kind, "sqs")
            refused(lambda: sqs.call("StartMessageMoveTask", SourceArn="arn:aws:sqs:us-east-1:000000000000:q"),
                    PREFIX + "UnsupportedOperation", "move tasks")

    def test_permissions(self, sqs, queue):
        refused(lambda: sqs.call("AddPermission", QueueUrl=queue, Label="l", AWSAccountIds=["1" * 12],
                                 Actions=["SendMessage"]), PREFIX + "UnsupportedOperation", "Permissions")


class TestBothForms:
    """What no SDK sends, in the query form and in JSON."""

    def send(self, cloud, body: str, headers: dict, path: str = "/") -> urllib3.HTTPResponse:
        env = cloud.credentials
        request = botocore.awsrequest.AWSRequest("POST", cloud.cloud_endpoint + path, data=body, headers=headers)
        key = botocore.credentials.Credentials(env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"])
        botocore.auth.SigV4Auth(key, "sqs", env["AWS_REGION"]).add_auth(request)
        return urllib3.PoolManager().request("POST", request.url, body=body, headers=dict(request.headers))

    def query(self, cloud, form: str, path: str = "/") -> urllib3.HTTPResponse:
        return self.send(cloud, form, {"Content-Type": "application/x-www-form-urlencoded"}, path)

    def json(self, cloud, action: str, body: str) -> urllib3.HTTPResponse:
        return self.send(cloud, body, {"Content-Type": "application/x-amz-json-1.0",
                                       "X-Amz-Target": "AmazonSQS." + action})

    @pytest.mark.parametrize("action, body, code", [
        ("Frobnicate", "{}", "InvalidAction"), ("SendMessage", "[1", "MalformedInput"),
        ("SendMessage", '{"QueueUrl": "q"}', PREFIX + "NonExistentQueue"), ("SendMessage", "{}", "MissingParameter")])
    def test_errors_in_json(self, cloud, action, body, code):
        answer = self.json(cloud, action, body)
        assert answer.status == 400
        assert answer.headers["x-amzn-query-error"] == code + ";Sender"
        told = answer.json()
        assert told["__type"].split("#")[0] in ("com.amazonaws.sqs", "com.amazon.coral.service")
        assert told["message"]
        assert answer.headers["x-amzn-RequestId"]

    @pytest.mark.parametrize("form, code", [
        ("Action=Frobnicate&Version=2012-11-05", "InvalidAction"), ("Version=2012-11-05", "InvalidAction"),
        ("Action=SendMessage&QueueUrl=none&MessageBody=x", PREFIX + "NonExistentQueue"),
        ("Action=CreateQueue", "MissingParameter"), ("Action=StartMessageMoveTask&SourceArn=x",
                                                     PREFIX + "UnsupportedOperation")])
    def test_errors_in_the_query_form(self, cloud, form, code):
        answer = self.query(cloud, form)
        assert answer.status == 400
        root = ElementTree.fromstring(answer.data)
        space = {"q": "http://queue.amazonaws.com/doc/2012-11-05/"}
        assert root.findtext("q:Error/q:Code", namespaces=space) == code
        assert root.findtext("q:Error/q:Type", namespaces=space) == "Sender"
        assert root.findtext("q:Error/q:Message", namespaces=space)
        assert root.findtext("q:RequestId", namespaces=space) == answer.headers["x-amzn-RequestId"]

    def test_a_body_is_missing(self, cloud, client_of, name):
        client_of("boto3", "sqs").call("CreateQueue", QueueName=name)
        answer = self.json(cloud, "SendMessage", json.dumps({"QueueUrl": name}))
        assert answer.headers["x-amzn-query-error"] == "MissingParameter;Sender"
        assert "MissingRequiredParameterException" in answer.json()["__type"]
        assert answer.json()["message"] == "The request must contain the parameter MessageBody."

    def test_the_path_names_the_queue_and_returns_are_escaped(self, cloud, client_of, name):
        client_of("boto3", "sqs").call("CreateQueue", QueueName=name)
        path = f"/000000000000/{name}"
        assert self.query(cloud, "Action=SendMessage&MessageBody=a%0D%22b%22", path).status == 200
        answer = self.query(cloud, "Action=ReceiveMessage", path)
        assert b"<Body>a&#xD;&quot;b&quot;</Body>" in answer.data
