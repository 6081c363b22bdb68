"""The course's client of 2025, watched by an AWS SDK as its grader does."""

import concurrent.futures
import threading
import time

from conftest import PHOTOS, wait_until

ID = "1225754101"
CAP = 15
REQUESTS = 100
PROBES = sorted((PHOTOS / "probes").glob("[A-Z]*_*[a-z].jpg"))


class Watcher(threading.Thread):
    """Samples instances and queue every 0.2 s while the load runs."""

    def __init__(self, system):
        super().__init__()
        self.ec2, self.sqs = system.boto3("ec2"), system.boto3("sqs")
        self.stopped = threading.Event()
        self.running, self.pending, self.visible = [], [], []

    def instances(self, state: str) -> int:
        found = self.ec2.describe_instances(Filters=[
            {"Name": "tag:Name", "Values": ["app-tier-instance-*"]},
            {"Name": "instance-state-name", "Values": [state]}])
        return sum(len(reservation["Instances"]) for reservation in found["Reservations"])

    def run(self):
        while not self.stopped.wait(0.2):
            self.running.append(self.instances("running"))
            self.pending.append(self.instances("pending"))
            found = self.sqs.get_queue_attributes(QueueUrl=f"{ID}-req-queue",
                                                  AttributeNames=["ApproximateNumberOfMessages"])
            self.visible.append(int(found["Attributes"]["ApproximateNumberOfMessages"]))


def test_a_hundred_at_once_fill_the_fleet_and_empty_it(start_system):
    system = start_system("--profile", "course-2025")
    system.enrol(PHOTOS / "people")
    watcher = Watcher(system)
    wait_until(lambda: watcher.instances("running") == 0, 30, "no instance runs before")
    watcher.start()

    def ask(number: int):
        probe = PROBES[number % len(PROBES)]
        name = f"test_{number:03}.jpg"
        answer = system.upload((name, probe.read_bytes()), timeout_s=300)
        expected = f"test_{number:03}:{probe.name.split('.')[0]}"
        assert answer.headers["Content-Type"].startswith("text/plain")
        return answer.text.strip() == expected or (answer.text, expected)

    with concurrent.futures.ThreadPoolExecutor(REQUESTS) as pool:
        answers = list(pool.map(ask, range(REQUESTS)))
    answered = time.monotonic()
    assert [bad for bad in answers if bad is not True] == []
    wait_until(lambda: watcher.instances("running") == 0, 30, "no instance runs after")
    assert time.monotonic() - answered >= 2, "instances stay for a while after their last job"
    watcher.stopped.set()
    watcher.join()
    assert max(watcher.running) == CAP
    assert max(watcher.pending) > 0, "instances are seen pending, as EC2's are"
    assert max(watcher.visible) > 0 and watcher.visible[-1] == 0, "the queue is seen to rise and to fall"

    s3, sqs = system.boto3("s3"), system.boto3("sqs")
    into = {item["Key"] for item in s3.list_objects_v2(Bucket=f"{ID}-in-bucket")["Contents"]}
    out = {item["Key"] for item in s3.list_objects_v2(Bucket=f"{ID}-out-bucket")["Contents"]}
    assert into == {f"test_{number:03}.jpg" for number in range(REQUESTS)}, "one in-object a request, and no other"
    assert out == {f"test_{number:03}" for number in range(REQUESTS)}, "one out-object a request, and no other"
    label = s3.get_object(Bucket=f"{ID}-out-bucket", Key="test_000")["Body"].read().decode()
    assert label == PROBES[0].name.split(".")[0]
    for name in (f"{ID}-req-queue", f"{ID}-resp-queue"):
        found = sqs.get_queue_attributes(QueueUrl=name, AttributeNames=["All"])["Attributes"]
        assert found["ApproximateNumberOfMessages"] == found["ApproximateNumberOfMessagesNotVisible"] == "0"


def test_two_callers_with_one_name_each_get_their_own_answer(start_system):
    system = start_system("--profile", "course-2025", ready=False)
    system.enrol(PHOTOS / "people")
    pairs = [(probe.name.split(".")[0], probe.read_bytes()) for probe in PROBES]

    def ask(number: int):
        person, photo = pairs[number % len(pairs)]
        return person, system.upload(("same.jpg", photo), timeout_s=300).text.strip()

    with concurrent.futures.ThreadPoolExecutor(30) as pool:
        for person, answer in pool.map(ask, range(30)):
            assert answer == f"same:{person}"


def test_purge_empties_queues_and_buckets(start_system):
    system = start_system("--profile", "course-2025", ready=False)
    assert system.upload(PROBES[0], timeout_s=300).status == 200
    assert system.request("POST", "/v1/admin/purge", b"").status in (200, 204)
    s3 = system.boto3("s3")
    for bucket in (f"{ID}-in-bucket", f"{ID}-out-bucket"):
        assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0
