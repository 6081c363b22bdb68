"""Processes that run alone: the local cloud's doors, and the roles `facefleet gateway|worker|autoscaler --profile …`,
which reach a cloud by what their environment says. Each is ended by its own pid."""

import json
import os
import signal
import subprocess
from pathlib import Path

import boto3
import botocore.config
from system import Api, wait_for, wait_until


class LocalCloud:
    """`facefleet localcloud`."""

    def __init__(self, binary, data, *arguments):
        self.data, self.log = data, Path(f"{data}.log")
        with self.log.open("ab") as log:
            self.process = subprocess.Popen([binary, "localcloud", "--data", data, "--listen", "127.0.0.1:0",
                                             *arguments], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_for(self.process, self.is_open, 60, "the doors are open")

    def is_open(self):
        assert self.process.poll() is None, self.log.read_text()
        pids = self.data / "pids.json"
        return (pids.exists() and json.loads(pids.read_text())["localcloud"] == self.process.pid
                and (self.data / "endpoints.json").exists())

    @property
    def url(self) -> str:
        return json.loads((self.data / "endpoints.json").read_text())["cloud"]

    def environment(self):
        return dict(line.split("=", 1) for line in (self.data / "cloud.env").read_text().splitlines())

    def client(self, service, **keys):
        env = self.environment()
        keys = keys or {"aws_access_key_id": env["AWS_ACCESS_KEY_ID"],
                        "aws_secret_access_key": env["AWS_SECRET_ACCESS_KEY"]}
        return boto3.client(service, endpoint_url=env["AWS_ENDPOINT_URL"], region_name=env["AWS_REGION"],
                            config=botocore.config.Config(retries={"total_max_attempts": 1}), **keys)

    def end(self, how):
        self.process.send_signal(how)
        self.process.wait(20)


class Role:
    """One role, alone, with a data folder of its own; `environment` says where its cloud is."""

    def __init__(self, binary: Path, role: str, data: Path, environment: dict[str, str], *arguments):
        self.role, self.data = role, data
        self.data.mkdir(parents=True, exist_ok=True)
        self.log = data / "log"
        with self.log.open("ab") as log:
            self.process = subprocess.Popen([binary, role, "--data", data, *map(str, arguments)],
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            env={**os.environ, **environment})

    def running(self) -> bool:
        assert self.process.poll() is None, f"{self.role} ended with {self.process.returncode}:\n{self.log.read_text()}"
        return True

    def end(self, how=signal.SIGTERM, timeout_s: float = 20) -> int:
        """Its exit status; 0 or below if it was not running any more."""
        if self.process.poll() is None:
            self.process.send_signal(how)
        return self.process.wait(timeout_s)


class Gateway(Role, Api):
    """`facefleet gateway --profile …`; `url` once it has announced itself."""

    def __init__(self, binary: Path, data: Path, environment: dict[str, str], *arguments):
        super().__init__(binary, "gateway", data, environment, "--listen", "127.0.0.1:0", *arguments)
        port = wait_for(self.process, self.port, 20, "the gateway has announced its port")
        self.url = f"http://127.0.0.1:{port}"

    def port(self) -> int | None:
        self.running()
        file = self.data / "run" / "gateway.json"
        said = json.loads(file.read_text()) if file.exists() else {}
        return said.get("port") if said.get("pid") == self.process.pid else None

    def wait_until_ready(self) -> None:
        wait_until(lambda: self.running() and self.get("/readyz").status == 200, 60, "/readyz says 200")
