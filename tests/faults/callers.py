"""People who ask while the system is broken, and what is left when they have gone."""

import concurrent.futures
import contextlib
import http.client
import threading
import time

from system import PHOTOS, System

PROBES = sorted((PHOTOS / "probes").glob("*.jpg"))  # each is named by whom it shows
PATIENCE_S = 90


class Callers:
    """People with photos; each asks until it is answered, with one Idempotency-Key. `what` tells their keys from those
    of others; with an answer of `again` they ask once more, if it says why."""

    def __init__(self, system: System, what: str, again: tuple[int, ...] = (429, 503)):
        self.system, self.what, self.again, self.lock = system, what, again, threading.Lock()
        self.lost, self.wrong, self.told, self.latencies_s = 0, [], [], []
        self.answered = threading.Semaphore(0)

    def ask(self, number: int) -> None:
        probe = PROBES[number % len(PROBES)]
        began, answer = time.monotonic(), None
        while answer is None and time.monotonic() - began < PATIENCE_S:
            with contextlib.suppress(OSError, http.client.HTTPException):
                got = self.system.upload((f"p{number}.x.jpg", probe.read_bytes()),
                                         headers={"Idempotency-Key": f"{self.what}-{number}"})
                if got.status in self.again and len(got.text) > 20:
                    self.told.append(got.text)
                else:
                    answer = got
            if answer is None:
                time.sleep(0.1)
        with self.lock:
            if answer is None:
                self.lost += 1
            elif (answer.status, answer.text.strip()) != (200, f"p{number}:{probe.stem}"):
                self.wrong.append((answer.status, answer.text))
            self.latencies_s.append(time.monotonic() - began)
        self.answered.release()

    def all(self, numbers: range, at_once: int = 12) -> None:
        with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
            list(pool.map(self.ask, numbers))


def left_in_queues(system: System) -> int:
    """Messages, in whatever state, of all queues."""
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible",
             "ApproximateNumberOfMessagesDelayed"]
    sqs = system.boto3("sqs")
    return sum(int(count) for url in sqs.list_queues().get("QueueUrls", [])
               for count in sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"].values())
