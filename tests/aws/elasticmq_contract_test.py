"""The queues' contract through our SQS client, against ElasticMQ, which has no code in common with ours or moto's."""

import os
import re
import shutil
import subprocess

import pytest
from moto_contract_test import ROOT, find_binary

JARS = ROOT / ".deps/elasticmq"

# What ElasticMQ does otherwise than AWS, by test; the rest of the suite must pass.
DEVIATIONS = {
    "AttributesChange": "takes no redrive policy that names no queue",
    "RefusesRequestsBeyondItsLimits": "takes a lease of more than 12 hours",
    "TheLongestMessageFitsAndOneByteMoreDoesNot": "does not hold to MaximumMessageSize",
    "AMessageThatReturnsKeepsItsPlace": "puts it behind the others",
    "AMessageReceivedTooOftenGoesToTheDeadLetterQueue": "puts a message that returns behind the others",
    "RemovingTwiceSucceeds": "calls the receipt of a deleted message invalid",
    "AStaleReceiptDoesNothing": "calls it invalid",
    "ExtendingWhatIsGoneIsNotFound": "calls the receipt of a deleted message invalid",
    "PurgeDeletesVisibleInFlightAndDelayed": "calls the receipt of a purged message invalid",
    "ACancelledReceiveLeasesNothing": "goes on receiving for a client that has gone",
}


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory):
    if shutil.which("java") is None:
        pytest.skip("there is no java on this machine")
    if not JARS.is_dir():
        pytest.fail(f"ElasticMQ is not in {JARS}; run the tests with ./dev test")
    with start_elasticmq(tmp_path_factory.mktemp("elasticmq")) as url:
        yield url


class start_elasticmq:
    """ElasticMQ on a free port of loopback; ends with the block."""

    def __init__(self, folder):
        self.folder = folder

    def __enter__(self) -> str:
        config = self.folder / "elasticmq.conf"
        config.write_text('include classpath("application.conf")\n'
                          'rest-sqs { enabled = true, bind-hostname = "127.0.0.1", bind-port = 0 }\n'
                          'rest-stats { enabled = false }\n'
                          'node-address { protocol = http, host = "127.0.0.1", port = 0, context-path = "" }\n'
                          'generate-node-address = true\n')
        self.process = subprocess.Popen(
            ["java", "-Xmx512m", f"-Dconfig.file={config}", "-cp", f"{JARS}/*", "org.elasticmq.server.Main"],
            cwd=self.folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        said = []
        for line in self.process.stdout:
            said.append(line)
            if found := re.search(r"Started SQS rest server, bind address (\S+:\d+)", line):
                self.log = self.drain()
                return f"http://{found[1]}"
        raise AssertionError("ElasticMQ did not start:\n" + "".join(said[-30:]))

    def drain(self):
        import threading

        thread = threading.Thread(target=lambda: [None for _ in self.process.stdout], daemon=True)
        thread.start()
        return thread

    def __exit__(self, *_) -> None:
        self.process.terminate()
        self.process.wait(20)
        self.log.join(5)


def test_contract(endpoint):
    left_out = ":".join(f"*.{test}/*" for test in DEVIATIONS)
    done = subprocess.run([find_binary("queue_sqs_test"), f"--gtest_filter=Outside/*-{left_out}"],
                          env=os.environ | {"FACEFLEET_TEST_ENDPOINT": endpoint}, capture_output=True, text=True,
                          timeout=110, check=False)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    assert "[  PASSED  ] 0 tests" not in done.stdout
