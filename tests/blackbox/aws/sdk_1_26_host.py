"""boto3 1.26 and the command line v1 behind standard input and output, for sdk_hosts.py: a call a line, an outcome a
line. Run with the old SDK's folder first on PYTHONPATH."""

import base64
import contextlib
import datetime
import io
import json
import os
import re
import sys

import awscli.clidriver
import boto3
from botocore import xform_name
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

assert boto3.__version__.startswith("1.26."), f"this is boto3 {boto3.__version__}"

clients = {}


def packed(value):
    if isinstance(value, (bytes, bytearray)):
        return {"$bytes": base64.b64encode(value).decode()}
    if isinstance(value, dict):
        return {key: packed(one) for key, one in value.items()}
    if isinstance(value, list):
        return [packed(one) for one in value]
    return value.isoformat() if isinstance(value, datetime.datetime) else value


def unpacked(value):
    if isinstance(value, dict):
        if set(value) == {"$bytes"}:
            return base64.b64decode(value["$bytes"])
        return {key: unpacked(one) for key, one in value.items()}
    return [unpacked(one) for one in value] if isinstance(value, list) else value


def by_boto3(service, operation, parameters):
    if service not in clients:
        clients[service] = boto3.client(service, endpoint_url=os.environ["AWS_ENDPOINT_URL"],
                                        config=Config(retries={"total_max_attempts": 1}))
    try:
        answer = getattr(clients[service], xform_name(operation))(**unpacked(parameters))
    except ClientError as error:
        told = error.response["Error"]
        return {"error": {"code": told["Code"], "message": told.get("Message", ""),
                          "status": error.response["ResponseMetadata"]["HTTPStatusCode"]}}
    except BotoCoreError as error:  # such as an MD5 that does not fit
        return {"error": {"code": type(error).__name__, "message": str(error)}}
    answer.pop("ResponseMetadata", None)
    if hasattr(answer.get("Body"), "read"):
        answer["Body"] = answer["Body"].read()
    return {"answer": answer}


def by_command_line(service, operation, parameters):
    out, error = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(error):
        status = awscli.clidriver.create_clidriver().main([
            service, xform_name(operation, "-"), "--endpoint-url", os.environ["AWS_ENDPOINT_URL"], "--output", "json",
            "--no-paginate", "--cli-input-json", json.dumps(parameters)])
    if status == 0:
        return {"answer": json.loads(out.getvalue() or "{}")}
    told = re.search(r"An error occurred \(([^)]*)\) when calling .*? operation[^:]*: (.*)", error.getvalue(), re.S)
    return {"error": {"code": told[1] if told else "CommandLine",
                      "message": told[2].rstrip("\n") if told else error.getvalue()}}


def blobs_for_command_line(value):
    """The command line v1 takes the bytes of text alone, as that text."""
    if isinstance(value, dict):
        return base64.b64decode(value["$bytes"]).decode() if set(value) == {"$bytes"} else {
            key: blobs_for_command_line(one) for key, one in value.items()}
    return [blobs_for_command_line(one) for one in value] if isinstance(value, list) else value


answers = sys.stdout
sys.stdout = sys.stderr
for line in sys.stdin:
    call = json.loads(line)
    if call["kind"] == "awscli":
        outcome = by_command_line(call["service"], call["operation"], blobs_for_command_line(call["parameters"]))
    else:
        outcome = by_boto3(call["service"], call["operation"], call["parameters"])
    print(json.dumps(packed(outcome)), file=answers, flush=True)
