"""AWS's SDKs as the tests call them, whatever language and version they are of.

A version of boto3 that cannot be imported beside the installed one, and the JavaScript SDK, run in a process each. It
reads a call a line from its standard input and writes its outcome, a line too: sdk_1_26_host.py and js/host.mjs. Bytes
travel as {"$bytes": "base 64"}.
"""

import base64
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from botocore import xform_name
from botocore.exceptions import ClientError

HERE = Path(__file__).parent
DEPS = Path(__file__).resolve().parents[3] / ".deps"


class AwsError(Exception):
    """An answer that says no: AWS's code, its sentence, the HTTP status (0 where the tool does not tell)."""

    def __init__(self, code: str, message: str, status: int = 0):
        super().__init__(f"{code} ({status}): {message}")
        self.code, self.message, self.status = code, message, status


class Boto3Client:
    """The boto3 of this process; `raw` is the client itself."""

    kind = "boto3"

    def __init__(self, client):
        self.raw = client

    def call(self, operation: str, **parameters) -> dict:
        try:
            answer = getattr(self.raw, xform_name(operation))(**parameters)
        except ClientError as error:
            told = error.response["Error"]
            raise AwsError(told["Code"], told.get("Message", ""),
                           error.response["ResponseMetadata"]["HTTPStatusCode"]) from None
        answer.pop("ResponseMetadata", None)
        if hasattr(answer.get("Body"), "read"):
            with answer["Body"] as body:
                answer["Body"] = body.read()
        return answer


class HostedClient:
    """An SDK in a process of its own."""

    def __init__(self, hosts: "Hosts", kind: str, service: str):
        self.hosts, self.kind, self.service = hosts, kind, service

    def call(self, operation: str, **parameters) -> dict:
        return self.hosts.call(self.kind, self.service, operation, parameters)


class OldSdk:
    """boto3 1.26 and the command line v1 of its day, installed beside the current boto3."""

    folder = DEPS / "aws-1.26"
    environment = {"PYTHONPATH": str(folder)}

    def command(self, module: str) -> list[str]:
        if not (self.folder / "boto3").is_dir():
            pytest.fail(f"boto3 1.26 is not installed in {self.folder}; run the tests with ./dev test")
        return [sys.executable, "-W", "ignore", "-m", module]


OLD_SDK = OldSdk()


def command_of(kind: str) -> tuple[list[str], dict[str, str]]:
    if kind in ("boto3-1.26", "awscli"):
        return [*OLD_SDK.command("runpy")[:-2], str(HERE / "sdk_1_26_host.py")], OLD_SDK.environment
    node = shutil.which("node")
    if node is None:
        pytest.skip("there is no node on this machine")
    modules = DEPS / "aws-js"
    if not (modules / "node_modules").is_dir():
        pytest.fail(f"the JavaScript SDK is not installed in {modules}; run the tests with ./dev test")
    return [node, str(HERE / "js/host.mjs"), str(modules)], {}


class Hosts:
    """The processes, each started when it is first called."""

    def __init__(self, environment: dict[str, str]):
        self.environment = environment
        self.processes: dict[str, subprocess.Popen] = {}

    def call(self, kind: str, service: str, operation: str, parameters: dict) -> dict:
        process = self.processes.get(kind) or self.start(kind)
        call = {"kind": kind, "service": service, "operation": operation, "parameters": packed(parameters)}
        process.stdin.write(json.dumps(call) + "\n")
        process.stdin.flush()
        line = process.stdout.readline()
        assert line, f"the host of {kind} ended in {operation}"
        outcome = unpacked(json.loads(line))
        if "error" in outcome:
            raise AwsError(outcome["error"]["code"], outcome["error"]["message"], outcome["error"].get("status", 0))
        return outcome["answer"]

    def start(self, kind: str) -> subprocess.Popen:
        command, environment = command_of(kind)
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                   env={**os.environ, **self.environment, **environment})
        self.processes[kind] = process
        return process

    def close(self) -> None:
        for process in self.processes.values():
            process.stdin.close()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            process.stdout.close()


def packed(value):
    """With bytes as text, for JSON."""
    if isinstance(value, (bytes, bytearray)):
        return {"$bytes": base64.b64encode(value).decode()}
    if isinstance(value, dict):
        return {key: packed(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [packed(one) for one in value]
    return value


def unpacked(value):
    if isinstance(value, dict):
        if set(value) == {"$bytes"}:
            return base64.b64decode(value["$bytes"])
        return {key: unpacked(one) for key, one in value.items()}
    if isinstance(value, list):
        return [unpacked(one) for one in value]
    return value
