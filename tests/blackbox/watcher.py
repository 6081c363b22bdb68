"""What somebody sees who watches a system with an AWS SDK while a client loads it, as the graders of the course do."""

import threading

from system import wait_until

SAMPLE_S = 0.2  # theirs look every 2 s at runs that last minutes


class Watcher(threading.Thread):
    """Samples instances and the request queue while the load runs."""

    def __init__(self, system, queue: str, instances: str = "app-tier-instance-*"):
        super().__init__(daemon=True)
        self.ec2, self.sqs = system.boto3("ec2"), system.boto3("sqs")
        self.queue, self.pattern = queue, instances
        self.stopped = threading.Event()
        self.running, self.pending, self.visible = [], [], []

    def instances(self, state: str) -> int:
        found = self.ec2.describe_instances(Filters=[
            {"Name": "tag:Name", "Values": [self.pattern]}, {"Name": "instance-state-name", "Values": [state]}])
        return sum(len(reservation["Instances"]) for reservation in found["Reservations"])

    def waiting(self, queue: str) -> int:
        """Messages that are visible in a queue, by its bare name."""
        found = self.sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["ApproximateNumberOfMessages"])
        return int(found["Attributes"]["ApproximateNumberOfMessages"])

    def run(self):
        while not self.stopped.wait(SAMPLE_S):
            self.running.append(self.instances("running"))
            self.pending.append(self.instances("pending"))
            self.visible.append(self.waiting(self.queue))

    def wait_for_none(self, timeout_s: float = 60):
        wait_until(lambda: self.instances("running") == self.instances("pending") == 0, timeout_s, "no instance runs")

    def wait_for(self, state: str, count: int, timeout_s: float = 30):
        wait_until(lambda: self.instances(state) == count, timeout_s, f"{count} instances are {state}")

    def stop(self):
        self.stopped.set()
        self.join()

    def assert_elastic(self, cap: int):
        """None, exactly the cap, never more, none; and the queue seen to rise and to fall."""
        assert self.running[0] == 0, "no instance runs before"
        assert max(self.running) == cap
        assert max(self.pending) > 0, "instances are seen pending, as EC2's are"
        assert max(self.visible) > 0 and self.visible[-1] == 0, "the queue is seen to rise and to fall"


def assert_queues_empty(system, *queues: str):
    """Names are made URLs first: others' services take no bare ones."""
    sqs = system.boto3("sqs")
    for name in queues:
        url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
        found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        assert found["ApproximateNumberOfMessages"] == found["ApproximateNumberOfMessagesNotVisible"] == "0", name


def keys_of(system, bucket: str) -> set[str]:
    return {item["Key"] for item in system.boto3("s3").list_objects_v2(Bucket=bucket).get("Contents", [])}
