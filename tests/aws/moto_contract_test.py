"""The contracts of queues, stores, tables and fleets through our SQS, S3, DynamoDB and EC2 clients, against moto.

moto is nobody's relative of ours, so what passes here is not just two halves of one misunderstanding. FACEFLEET_BUILD
names the build folder, `build/dev` or `build/release` by default.
"""

import contextlib
import os
import pathlib
import subprocess
import sys

import pytest
from fault_proxy import FaultProxy

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / ".deps/emulators"))  # last: its boto3 is the installed one
moto_server = pytest.importorskip("moto.server", reason="./dev test installs moto")

# What moto does otherwise than AWS, by test; the rest of each suite must pass.
DEVIATIONS = {
    "queue_sqs_test": {
        "AttributesChange": "accepts a VisibilityTimeout of more than 12 hours",
        "AStaleReceiptDoesNothing": "lets a stale receipt change the lease",
        "ExtendingWhatIsGoneIsNotFound": "calls the receipt of a deleted message malformed",
        "ACancelledReceiveLeasesNothing": "goes on receiving for a client that has gone",
        "PurgeDeletesVisibleInFlightAndDelayed": "calls the receipt of a purged message malformed",
        "ManyProducersAndConsumersLoseAndDoubleNothing": "hands one message to two receivers at once",
    },
    "store_s3_test": {},
    "table_dynamodb_test": {},
    "fleet_ec2_test": {  # through the proxy: moto alone launches MinCount instances, and knows no ClientToken
        "LaunchedInstancesArePendingThenRunningOldestFirst": "has no process behind its instances",
        "WhatHasEndedNeitherStartsNorStops": "starts what was terminated",
        "AnUnknownIdStartsStopsAndTagsNothing": "tags those of a list that it knows",
    },
}


def find_binary(name):
    folders = [os.environ["FACEFLEET_BUILD"]] if "FACEFLEET_BUILD" in os.environ else ["build/dev", "build/release"]
    for folder in folders:
        binary = ROOT / folder / "src" / name
        if binary.exists():
            return str(binary)
    pytest.fail(f"{name} is in none of {folders}; build the tests first, or set FACEFLEET_BUILD")


@pytest.fixture(scope="module")
def endpoint():
    server = moto_server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.mark.parametrize("name", DEVIATIONS)
def test_contract(name, endpoint):
    left_out = ":".join(f"*.{test}/*" for test in DEVIATIONS[name])
    with contextlib.ExitStack() as stack:
        if name == "fleet_ec2_test":
            endpoint = stack.enter_context(FaultProxy({"ec2": endpoint})).url
        done = subprocess.run(
            [find_binary(name), f"--gtest_filter=Outside/*-{left_out}"],
            env=os.environ | {"FACEFLEET_TEST_ENDPOINT": endpoint},
            capture_output=True,
            text=True,
            timeout=110,
            check=False,
        )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    assert "[  PASSED  ] 0 tests" not in done.stdout
