"""A whole system whose queues, objects and instances are somebody else's: moto's server as AWS, ElasticMQ as SQS.

Gateway and autoscaler run alone on a profile's file, as on machines of their own; a hypervisor (hypervisor.py) stands
behind the instances. What facefleet's processes say to AWS goes through a proxy that counts it and may break it
(fault_proxy.py); the tests themselves look at moto directly, and so see what is there.
"""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tomllib
from pathlib import Path

import boto3
import botocore.config

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests/blackbox"), str(ROOT / "tests/aws")]

from alone import LocalCloud  # noqa: E402
from fault_proxy import FaultProxy  # noqa: E402
from hypervisor import Hypervisor, Metadata  # noqa: E402
from system import BINARY, READY_S, System, free_port, wait_for, wait_until, without_aws  # noqa: E402

REGION = "us-east-1"
EMULATORS = ROOT / ".deps/emulators"
MODEL_CACHE = ROOT / "build/model-cache"


@contextlib.contextmanager
def start_moto(folder: Path):
    """moto's server in a process of its own; its URL."""
    port = free_port()
    environment = os.environ | {"PYTHONPATH": str(EMULATORS), "MOTO_EC2_LOAD_DEFAULT_AMIS": "false"}
    with (folder / "moto.log").open("wb") as log:
        moto = subprocess.Popen([sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
                                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment)

    def answers() -> bool:
        assert moto.poll() is None, (folder / "moto.log").read_text()[-2000:]
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return True
        return False

    wait_for(moto, answers, 60, "moto answers")
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        moto.terminate()
        moto.wait()


@contextlib.contextmanager
def start_localcloud(folder: Path):
    """Our own queues and objects, which take whatever key a tool brings; their URL."""
    cloud = LocalCloud(BINARY, folder / "localcloud", "--cloud-auth", "any")
    try:
        yield cloud.url
    finally:
        cloud.end(signal.SIGTERM)


def end_all_instances(system: "ForeignSystem") -> None:
    """So that the next system on the same service begins with none."""
    ec2 = system.boto3("ec2")
    pages = ec2.get_paginator("describe_instances").paginate()
    ids = [one["InstanceId"] for page in pages for group in page["Reservations"] for one in group["Instances"]]
    if ids:
        ec2.terminate_instances(InstanceIds=ids)


def write_profile(file: Path, name: str, settings: dict) -> Path:
    """The shipped profile `name` with other settings, as a file of one's own."""
    profile = tomllib.loads((ROOT / f"profiles/{name}.toml").read_text())
    for key, value in settings.items():
        section, _, word = key.rpartition(".")
        (profile.setdefault(section, {}) if section else profile)[word] = value
    tables = {key: value for key, value in profile.items() if isinstance(value, dict)}
    lines = [f"{key} = {json.dumps(value)}" for key, value in profile.items() if key not in tables]
    for section, table in tables.items():
        lines += [f"[{section}]", *(f"{key} = {json.dumps(value)}" for key, value in table.items())]
    file.write_text("\n".join(lines) + "\n")
    return file


def share_models(folder: Path) -> None:
    """The process whose data folder this will be finds the models compiled, as another test of ours left them."""
    (folder / "cache").mkdir(parents=True, exist_ok=True)
    if not (folder / "cache/models").exists():
        MODEL_CACHE.mkdir(parents=True, exist_ok=True)
        (folder / "cache/models").symlink_to(MODEL_CACHE)


class ForeignSystem(System):
    """One gateway, one autoscaler, a hypervisor, and a proxy between them and `endpoints` (by service)."""

    def __init__(self, folder: Path, endpoints: dict[str, str], profile: str, settings: dict, keys: bool = True):
        """Without `keys` in their environment, the roles use those of their instances."""
        super().__init__(BINARY, folder, [], {})
        folder.mkdir(parents=True)
        self.endpoints_of, self.keys = endpoints, keys
        self.profile = write_profile(folder / "profile.toml", profile, {"gateway.listen": "127.0.0.1:0", **settings})
        self.settings = tomllib.loads(self.profile.read_text())
        self.names = self.settings.get("fleet", {}).get("instance_prefix", "app-tier-instance-")
        self.cap = self.settings["fleet"]["workers_max"]
        self.roles: dict[str, subprocess.Popen] = {}
        self.stack = contextlib.ExitStack()

    def environment_of_roles(self) -> dict[str, str]:
        """Where AWS is, and nothing of what this machine knows of it."""
        told = without_aws() | {"AWS_ENDPOINT_URL": self.proxy.url, "AWS_REGION": REGION}
        if self.keys:
            told |= {"AWS_ACCESS_KEY_ID": "AKIAFACEFLEETTEST000", "AWS_SECRET_ACCESS_KEY": "a secret of the test"}
        return told

    def start(self, ready: bool = False) -> "ForeignSystem":
        self.proxy = self.stack.enter_context(FaultProxy(self.endpoints_of))
        told = self.environment_of_roles()
        self.hypervisor = Hypervisor(self.proxy.url, self.command("worker"), self.data, told, REGION, self.names + "*")
        self.stack.enter_context(self.hypervisor)
        for role in ("gateway", "autoscaler"):
            self.start_role(role, told)
        file = self.data / "gateway/run/gateway.json"
        wait_until(lambda: self.running() and file.exists(), READY_S, "the gateway says where it listens")
        self.url = f"http://127.0.0.1:{json.loads(file.read_text())['port']}"
        return self

    def command(self, role: str) -> list:
        folder = self.data / role
        share_models(folder)
        return [BINARY, role, "--profile", self.profile, "--data", folder]

    def start_role(self, role: str, told: dict[str, str]) -> None:
        if not self.keys:  # it runs on an instance, too
            metadata = Metadata(f"i-{role}", role, REGION)
            self.stack.callback(metadata.close)
            told = told | {"AWS_EC2_METADATA_SERVICE_ENDPOINT": metadata.url}
        with (self.data / f"{role}.log").open("ab") as log:
            self.roles[role] = subprocess.Popen(self.command(role), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                                env=told)

    def running(self) -> bool:
        for role, process in self.roles.items():
            assert process.poll() is None, f"{role} ended with {process.returncode}:\n{self.logs()}"
        return True

    def wait_for_rest(self, timeout_s: float = 60) -> None:
        """Until no more instances take room than the floor, nor will for the picture that the gateway tries itself, or
        for a pool to be made."""
        floor = self.settings["fleet"].get("running_floor", 0)
        wait_until(lambda: self.get("/readyz").status == 200, timeout_s, "the gateway is ready")
        if self.settings["fleet"].get("pool"):
            wait_until(lambda: self.count_instances("stopped") == self.cap - floor, timeout_s, "the pool is there")
        wait_until(lambda: self.running() and self.hypervisor.seen[-1:] == [floor], timeout_s, "the fleet is at rest")

    def begin_counting(self) -> None:
        """Calls, and instances: those that are there now are the first."""
        self.proxy.calls.clear()
        self.hypervisor.seen.clear()
        wait_until(lambda: self.hypervisor.seen, 30, "the instances are counted")

    def count_instances(self, state: str) -> int:
        pages = self.boto3("ec2").get_paginator("describe_instances").paginate(
            Filters=[{"Name": "tag:Name", "Values": [self.names + "*"]},
                     {"Name": "instance-state-name", "Values": [state]}])
        return sum(len(group["Instances"]) for page in pages for group in page["Reservations"])

    def boto3(self, service: str):
        """A client of what stands behind the proxy."""
        return self.client_of(service, self.endpoints_of[service])

    @staticmethod
    def client_of(service: str, endpoint: str):
        return boto3.client(service, endpoint_url=endpoint, region_name=REGION,
                            aws_access_key_id="test", aws_secret_access_key="test",
                            config=botocore.config.Config(s3={"addressing_style": "path"}))

    def stop(self, timeout_s: float = 10) -> int:
        for process in self.roles.values():
            process.terminate()
        for process in self.roles.values():
            try:
                process.wait(timeout_s)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.stack.close()
        return 0

    def logs(self) -> str:
        return "".join(f"--- {file.name}\n{file.read_text()[-4000:]}" for file in sorted(self.data.glob("*.log")))
