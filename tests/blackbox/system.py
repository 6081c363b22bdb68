"""A whole system, started from the real program as people start it, and ended by pid and nothing else. What the
black-box tests and `./dev bench system` drive."""

import json
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
import uuid
from pathlib import Path

import boto3
import botocore.config

ROOT = Path(__file__).resolve().parents[2]
BINARY = Path(os.environ.get("FACEFLEET_BINARY") or ROOT / "build/release/facefleet")
PHOTOS = Path(os.environ.get("FACEFLEET_TESTPHOTOS") or ROOT / ".deps/testphotos")
READY_S = 60  # on a machine that is busy with the other tests


def wait_until(condition, timeout_s: float, what: str):
    """Calls `condition` until it gives something true, and returns that; fails the test after `timeout_s`."""
    deadline = time.monotonic() + timeout_s
    while not (value := condition()):
        assert time.monotonic() < deadline, f"after {timeout_s} s still not: {what}"
        time.sleep(0.02)
    return value


def wait_for(process: subprocess.Popen, condition, timeout_s: float, what: str):
    """As wait_until, for a process just started: where this fails, it is killed."""
    try:
        return wait_until(condition, timeout_s, what)
    except BaseException:
        process.kill()
        process.wait()
        raise


def free_port() -> int:
    """Of loopback, a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def without_aws() -> dict[str, str]:
    """This machine's environment, but for what it knows of AWS: there, and in ~/.aws."""
    told = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return told | {"HOME": "/nonexistent"}


class Answer:
    """An HTTP response: status, headers, body."""

    def __init__(self, status: int, headers, body: bytes):
        self.status, self.headers, self.body = status, headers, body

    @property
    def text(self) -> str:
        return self.body.decode()

    def json(self):
        return json.loads(self.body)


def multipart(files: list[tuple[str, str, bytes]]) -> tuple[bytes, str]:
    """(field, file name, bytes) of each file as a form's body, and its Content-Type."""
    boundary = uuid.uuid4().hex
    body = b"".join(
        f'--{boundary}\r\nContent-Disposition: form-data; name="{field}"; filename="{name}"\r\n\r\n'.encode() + data +
        b"\r\n" for field, name, data in files)
    return body + f"--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}"


class Api:
    """A gateway's API, at `url`."""

    url = ""

    def request(self, method: str, path: str, body: bytes | None = None, headers: dict | None = None,
                timeout_s: float = 60) -> Answer:
        request = urllib.request.Request(self.url + path, data=body, headers=headers or {}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=timeout_s) as response:
                return Answer(response.status, response.headers, response.read())
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, error.headers, error.read())

    def get(self, path: str, **more) -> Answer:
        return self.request("GET", path, **more)

    def upload(self, *photos: tuple[str, bytes] | Path, path: str = "/", field: str = "inputFile",
               headers: dict | None = None, **more) -> Answer:
        """Posts photos, given as files or as (name, bytes), in one form."""
        files = [(field, photo.name, photo.read_bytes()) if isinstance(photo, Path) else (field, *photo)
                 for photo in photos]
        body, content_type = multipart(files)
        return self.request("POST", path, body, {"Content-Type": content_type, **(headers or {})}, **more)


class System(Api):
    """One `facefleet up` and all that it starts."""

    def __init__(self, binary: Path, data: Path, arguments: list[str], environment: dict[str, str]):
        self.binary, self.data, self.arguments = binary, data, arguments
        self.environment = {**os.environ, **environment}
        self.log = data / "log"
        self.process: subprocess.Popen | None = None
        self.url = self.cloud_endpoint = ""

    def start(self, ready: bool = True) -> "System":
        """Starts it on free ports and waits until it is reachable, and `ready`: until it has recognised a picture."""
        self.data.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [self.binary, "up", "--data", self.data, "--listen", "127.0.0.1:0", "--cloud-listen", "127.0.0.1:0",
                 *self.arguments], stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.environment)
        endpoints = wait_until(self.endpoints, READY_S, "up has written endpoints.json")
        self.url, self.cloud_endpoint = endpoints["url"], endpoints["cloud"]
        if ready:
            wait_until(lambda: self.running() and self.get("/readyz").status == 200, READY_S, "/readyz says 200")
        return self

    def running(self) -> bool:
        assert self.process.poll() is None, f"up ended with {self.process.returncode}:\n{self.log.read_text()[-2000:]}"
        return True

    def endpoints(self) -> dict | None:
        """What endpoints.json says, once this `up` has written it."""
        self.running()
        return self.read_json("endpoints.json") if self.pids().get("up") == self.process.pid else None

    def read_json(self, name: str) -> dict | None:
        file = self.data / name
        return json.loads(file.read_text()) if file.exists() else None

    def pids(self) -> dict:
        """Each role's pid, and `workers`: a list."""
        return self.read_json("pids.json") or {}

    @property
    def credentials(self) -> dict[str, str]:
        """cloud.env: endpoint, region and key, by the names that SDKs read."""
        lines = (self.data / "cloud.env").read_text().splitlines()
        return dict(line.split("=", 1) for line in lines)

    def boto3(self, service: str):
        """A boto3 client of the local cloud's SQS, S3 or EC2 door."""
        env = self.credentials
        return boto3.client(
            service, endpoint_url=env["AWS_ENDPOINT_URL"], region_name=env["AWS_REGION"],
            aws_access_key_id=env["AWS_ACCESS_KEY_ID"], aws_secret_access_key=env["AWS_SECRET_ACCESS_KEY"],
            config=botocore.config.Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}))

    def run(self, *arguments: str | Path, timeout_s: float = 100) -> subprocess.CompletedProcess:
        """Runs another subcommand of the program to its end."""
        return subprocess.run([self.binary, *arguments], capture_output=True, text=True, timeout=timeout_s,
                              stdin=subprocess.DEVNULL, env=self.environment)

    def enrol(self, folder: Path) -> subprocess.CompletedProcess:
        """Enrols a folder with one folder a person."""
        done = self.run("enrol", folder, "--url", self.url)
        assert done.returncode == 0, done.stdout + done.stderr
        return done

    def stop(self, timeout_s: float = 10) -> int:
        """Asks it to end (SIGTERM) and returns its exit status; kills what is left of it."""
        left = self.descendants()
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
        try:
            return self.process.wait(timeout_s) if self.process else 0
        finally:
            self.kill(left)

    def kill(self, pids: list[int] | None = None) -> None:
        """SIGKILLs up and all that it started: what a power cut would do."""
        pids = self.descendants() if pids is None else pids
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for pid in pids:
            if self.is_ours(pid):
                os.kill(pid, signal.SIGKILL)

    def descendants(self) -> list[int]:
        pids = self.pids()
        return [pid for pid in (pids.get("gateway"), pids.get("autoscaler"), *pids.get("workers", [])) if pid]

    def is_ours(self, pid: int) -> bool:
        """Whether `pid` still is a process of this system: its command line names our data folder."""
        try:
            return os.fsencode(self.data) in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except (FileNotFoundError, ProcessLookupError):
            return False
