"""What stands behind instances where AWS is only acted: a worker process for each that an EC2 endpoint calls running.

moto's server (or whatever speaks EC2) keeps the instances' states; this watches them, starts a process when an instance
runs, and ends it (SIGTERM, then SIGKILL after a grace) when it no longer does. Each process finds the instance metadata
service of its own instance at AWS_EC2_METADATA_SERVICE_ENDPOINT: version 2 with tokens, who it is, a role's
credentials, and, where asked for, a spot notice. As under systemd's Restart=on-failure, a process that fails is started
again after a second, and one that ends by itself with status 0, as a worker that ends its own instance does, is not.

By hand, beside a moto server on port 5000:

    hypervisor.py --endpoint http://127.0.0.1:5000 --logs /tmp/logs -- facefleet worker --profile FILE --data /tmp/worker
"""

import argparse
import contextlib
import datetime
import http.server
import itertools
import json
import os
import secrets
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import boto3
import botocore.exceptions

RESTART_S = 1.0
ROLE = "facefleet-worker"
TAKES_ROOM = {"pending", "running", "stopping", "shutting-down"}  # what a fleet's cap counts


def lasting_credentials(number: int) -> dict[str, str]:
    """As a role's, for six hours; the key says how many the instance had before."""
    ends = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=6)
    return {"Code": "Success", "Type": "AWS-HMAC", "AccessKeyId": f"ASIA{number:04}{secrets.token_hex(6).upper()}",
            "SecretAccessKey": secrets.token_hex(20), "Token": secrets.token_hex(32),
            "Expiration": ends.strftime("%Y-%m-%dT%H:%M:%SZ")}


class Metadata(http.server.ThreadingHTTPServer):
    """The metadata service of one instance, on a port of its own."""

    daemon_threads = True

    def __init__(self, instance_id: str, name: str, region: str):
        super().__init__(("127.0.0.1", 0), MetadataHandler)
        self.issued, self.tokens = itertools.count(), set()
        self.leaves = {"instance-id": instance_id, "placement/region": region, "tags/instance/Name": name,
                       "iam/security-credentials/": ROLE}
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def leaf(self, path: str) -> str | None:
        if path == f"iam/security-credentials/{ROLE}":
            return json.dumps(lasting_credentials(next(self.issued)))
        return self.leaves.get(path)

    def close(self) -> None:
        self.shutdown()
        self.server_close()

    def give_spot_notice(self, after_s: float = 120) -> None:
        ends = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=after_s)
        self.leaves["spot/instance-action"] = json.dumps({"action": "terminate",
                                                          "time": ends.strftime("%Y-%m-%dT%H:%M:%SZ")})


class MetadataHandler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # the answer leaves in one piece

    def do_PUT(self):  # noqa: N802
        if self.path != "/latest/api/token" or not self.headers["X-aws-ec2-metadata-token-ttl-seconds"]:
            return self.answer(400, "Bad Request")
        token = secrets.token_urlsafe(40)
        self.server.tokens.add(token)
        return self.answer(200, token)

    def do_GET(self):  # noqa: N802
        if self.headers["X-aws-ec2-metadata-token"] not in self.server.tokens:
            return self.answer(401, "Unauthorized")
        path = self.path.removeprefix("/latest/meta-data/")
        leaf = self.server.leaf(path) or self.server.leaf(path + "/")
        return self.answer(200, leaf) if leaf else self.answer(404, "Not Found")

    def answer(self, status: int, text: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_) -> None:
        pass


class Machine:
    """One run of an instance: its process and its metadata service."""

    def __init__(self, hypervisor: "Hypervisor", instance: dict):
        self.id = instance["InstanceId"]
        name = next((tag["Value"] for tag in instance.get("Tags", []) if tag["Key"] == "Name"), "")
        self.hypervisor, self.failures, self.failed_at = hypervisor, 0, 0.0
        self.metadata = Metadata(self.id, name, hypervisor.region)
        self.process = self.launch()

    def launch(self) -> subprocess.Popen:
        environment = self.hypervisor.environment | {"AWS_EC2_METADATA_SERVICE_ENDPOINT": self.metadata.url}
        with (self.hypervisor.logs / f"{self.id}.log").open("ab") as log:
            return subprocess.Popen(self.hypervisor.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                    env=environment)

    def restart_if_failed(self) -> None:
        if not self.process.poll():  # it runs, or has ended well
            return
        if not self.failed_at:
            self.failures, self.failed_at = self.failures + 1, time.monotonic()
        elif time.monotonic() - self.failed_at >= RESTART_S:
            self.process, self.failed_at = self.launch(), 0.0

    def end(self, grace_s: float) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(grace_s)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if self.process.returncode not in (0, -signal.SIGTERM) and not self.failed_at:
            self.failures += 1
        self.metadata.close()


class Hypervisor:
    """Watches an endpoint until the block ends; then ends all processes. `seen` is how a fleet's cap is watched."""

    def __init__(self, endpoint: str, command: list, logs: Path, environment: dict[str, str] | None = None,
                 region: str = "us-east-1", names: str = "*", look_s: float = 0.25, grace_s: float = 15):
        self.command, self.logs, self.region, self.look_s = command, logs, region, look_s
        self.environment = dict(os.environ if environment is None else environment)
        self.grace_s = grace_s
        self.ec2 = boto3.client("ec2", endpoint_url=endpoint, region_name=region, aws_access_key_id="hypervisor",
                                aws_secret_access_key="hypervisor")
        self.filters = [{"Name": "tag:Name", "Values": [names]}]
        self.machines: dict[str, Machine] = {}
        self.ended: list[tuple[Machine, threading.Thread]] = []
        self.seen: list[int] = []  # at each look, how many take room
        self.left = threading.Event()
        self.thread = threading.Thread(target=self.watch, daemon=True)

    def __enter__(self) -> "Hypervisor":
        self.thread.start()
        return self

    def __exit__(self, *_) -> None:
        self.left.set()
        self.thread.join()
        for machine in list(self.machines.values()):
            self.end(machine)
        for _, thread in self.ended:
            thread.join()

    @property
    def failures(self) -> int:
        """How many processes have failed, of the instances that run and of those that have ended."""
        for _, thread in list(self.ended):
            thread.join()
        return sum(machine.failures for machine in {*self.machines.values(), *(machine for machine, _ in self.ended)})

    def watch(self) -> None:
        while not self.left.wait(self.look_s):
            with contextlib.suppress(botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError):
                self.look()

    def look(self) -> None:
        pages = self.ec2.get_paginator("describe_instances").paginate(Filters=self.filters)
        instances = [one for page in pages for group in page["Reservations"] for one in group["Instances"]]
        self.seen.append(sum(one["State"]["Name"] in TAKES_ROOM for one in instances))
        running = {one["InstanceId"]: one for one in instances if one["State"]["Name"] == "running"}
        for machine in [machine for machine in self.machines.values() if machine.id not in running]:
            self.end(machine)
        for instance in running.values():
            if machine := self.machines.get(instance["InstanceId"]):
                machine.restart_if_failed()
            else:
                self.machines[instance["InstanceId"]] = Machine(self, instance)

    def end(self, machine: Machine) -> None:
        thread = threading.Thread(target=machine.end, args=(self.grace_s,))
        thread.start()
        self.ended.append((machine, thread))
        del self.machines[machine.id]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--endpoint", required=True, help="of EC2; the processes get it as AWS_ENDPOINT_URL, too")
    parser.add_argument("--region", default="us-east-1")
    parser.add_argument("--names", default="app-tier-instance-*", help="which instances, by their tag Name")
    parser.add_argument("--logs", type=Path, required=True, help="a folder: a file an instance")
    parser.add_argument("command", nargs="+", help="what an instance runs")
    arguments = parser.parse_args()
    arguments.logs.mkdir(parents=True, exist_ok=True)
    environment = os.environ | {"AWS_ENDPOINT_URL": arguments.endpoint, "AWS_REGION": arguments.region}
    with Hypervisor(arguments.endpoint, arguments.command, arguments.logs, environment, arguments.region,
                    arguments.names):
        ended = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: ended.set())
        ended.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
