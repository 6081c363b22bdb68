"""A controller of one's own: as many workers as there are jobs, none after five quiet seconds.

Start a system with a pool that nobody else sizes, and this beside it:

    facefleet up --set autoscaler.policy=none --set fleet.pool=true
    eval "$(facefleet env)" && .deps/venv/bin/python docs/controller.py    # boto3 from 1.28; `./dev test` installs it
"""

import os
import time

import boto3

SYSTEM = os.environ.get("FACEFLEET_ID", "facefleet")
QUIET_S = 5
sqs, ec2 = boto3.client("sqs"), boto3.client("ec2")


def jobs() -> int:
    counts = sqs.get_queue_attributes(QueueUrl=f"{SYSTEM}-req-queue", AttributeNames=["All"])["Attributes"]
    return int(counts["ApproximateNumberOfMessages"]) + int(counts["ApproximateNumberOfMessagesNotVisible"])


def workers(*states: str) -> list[str]:
    filters = [{"Name": "tag:Name", "Values": ["app-tier-instance-*"]}, {"Name": "instance-state-name", "Values": states}]
    pages = ec2.get_paginator("describe_instances").paginate(Filters=filters)
    return [one["InstanceId"] for page in pages for group in page["Reservations"] for one in group["Instances"]]


last_job = time.monotonic()
while True:
    needed = jobs()
    missing = needed - len(workers("pending", "running"))
    if needed:
        last_job = time.monotonic()
    if missing > 0 and (stopped := workers("stopped")):
        ec2.start_instances(InstanceIds=stopped[:missing])
    if time.monotonic() - last_job > QUIET_S and (running := workers("running")):
        ec2.stop_instances(InstanceIds=running)
    time.sleep(0.5)
