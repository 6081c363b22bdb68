#!/usr/bin/env python3
"""The local cloud beside other emulators of AWS, in one run on one machine, each in turn and each on loopback:

    ./dev bench cloud [--seconds 3] [--only NAMES] [--json OUT]

  facefleet   `facefleet localcloud`: every acknowledged message and object is on disk, fsynced
  elasticmq   ElasticMQ 1.6.12, queues alone, in memory (its persistence off, which is its default)
  moto        moto's server, in memory
  ministack   ministack, in memory

Sends a second from 1, 16 and 100 producers, and messages a second in batches of ten; receive-delete cycles a second
from 16 consumers; the time from a send's acknowledgement until a waiting receiver has the message; puts and gets of
10 kB and 10 MB; 10,000 messages drained by 30 consumers; and of ours, how long a restart takes after SIGKILL, with
100,000 messages and 100,000 objects. The callers are the same for all: kept-open connections, AWS JSON, signed, one
thread each (tests/faults/door.py); on a machine of few cores they are the limit, so the table says how much CPU of
the server's own a send took. Only facefleet fsyncs; the figures are shown as they are.
"""

import argparse
import contextlib
import http.client
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import boto3
import botocore.config

from runs import BINARY, ROOT, free_port, machine

sys.path[:0] = [str(ROOT / "tests/faults")]

from door import Door, Refused  # noqa: E402

BODY = "x" * 300
PRODUCERS = (1, 16, 100)
DRAINED, CONSUMERS = 10_000, 30
KEPT, PUTTERS = 100_000, 4
DRAIN_S_MAX = 20  # for filling a queue and for draining it; the rest is left out
ELASTICMQ = ROOT / ".deps/elasticmq"


class Server:
    """A program under test; `doors()` gives connections to it."""

    def __init__(self, name: str, command: list, endpoint: str, key=("test", "test"), objects: bool = True,
                 folder: Path | None = None):
        self.name, self.command, self.endpoint, self.key, self.objects = name, command, endpoint, key, objects
        self.folder = folder

    def __enter__(self):
        self.process = subprocess.Popen([str(word) for word in self.command], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=self.folder,
                                        env={**os.environ, "PYTHONPATH": str(ROOT / ".deps/emulators")})
        deadline = time.monotonic() + 60
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                sys.exit(f"{self.name} did not start: {' '.join(map(str, self.command))}")
            time.sleep(0.01)
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def answers(self) -> bool:
        try:
            self.door().call("ListQueues")
            return True
        except Exception:  # whatever it is: not yet
            return False

    def door(self) -> Door:
        key = self.key() if callable(self.key) else self.key
        return Door(self.endpoint, *key)

    def s3(self):
        key, secret = self.key() if callable(self.key) else self.key
        return boto3.client("s3", endpoint_url=self.endpoint, region_name="us-east-1", aws_access_key_id=key,
                            aws_secret_access_key=secret,
                            config=botocore.config.Config(s3={"addressing_style": "path"}, retries={
                                "total_max_attempts": 1}))

    def cpu_s(self) -> float:
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(") ", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def servers(folder: Path) -> dict[str, Server]:
    port = {name: free_port() for name in ("facefleet", "elasticmq", "moto", "ministack")}
    data = folder / "facefleet"

    def our_key():
        env = dict(line.split("=", 1) for line in (data / "cloud.env").read_text().splitlines())
        return env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"]

    config = folder / "elasticmq.conf"
    config.write_text(f'include classpath("application.conf")\n'
                      f'rest-sqs {{ enabled = true, bind-hostname = "127.0.0.1", bind-port = {port["elasticmq"]} }}\n'
                      f'rest-stats {{ enabled = false }}\ngenerate-node-address = true\n')
    at = {name: f"http://127.0.0.1:{number}" for name, number in port.items()}
    return {
        "facefleet": Server("facefleet", [BINARY, "localcloud", "--data", data, "--listen",
                                          f"127.0.0.1:{port['facefleet']}"], at["facefleet"], our_key),
        "elasticmq": Server("elasticmq", ["java", "-Xmx1g", f"-Dconfig.file={config}", "-cp", f"{ELASTICMQ}/*",
                                          "org.elasticmq.server.Main"], at["elasticmq"], objects=False),
        "moto": Server("moto", [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", port["moto"]],
                       at["moto"]),
        "ministack": Server("ministack", ["env", f"GATEWAY_PORT={port['ministack']}", "GATEWAY_HOST=127.0.0.1",
                                          sys.executable, "-m", "ministack"], at["ministack"], folder=folder),
    }


def make_queue(server: Server, name: str) -> str:
    return server.door().call("CreateQueue", QueueName=name)["QueueUrl"]


def for_seconds(server: Server, threads: int, seconds: float, work) -> tuple[int, list[float]]:
    """Runs work(door) again and again in so many threads; how often in all, and each call's time."""
    times: list[list[float]] = [[] for _ in range(threads)]
    begin = threading.Barrier(threads + 1)

    def loop(index: int, door: Door):
        begin.wait()
        until = time.perf_counter() + seconds
        while (began := time.perf_counter()) < until:
            work(door)
            times[index].append(time.perf_counter() - began)

    running = [threading.Thread(target=loop, args=(index, server.door())) for index in range(threads)]
    for thread in running:
        thread.start()
    begin.wait()
    for thread in running:
        thread.join()
    return sum(map(len, times)), [one for each in times for one in each]


def sends(server: Server, producers: int, seconds: float) -> dict:
    queue = make_queue(server, f"sends-{producers}")
    cpu = server.cpu_s()
    count, times = for_seconds(server, producers, seconds,
                               lambda door: door.call("SendMessage", QueueUrl=queue, MessageBody=BODY))
    return {"per_s": count / seconds, "p50_ms": statistics.median(times) * 1000,
            "server_cpu_us": (server.cpu_s() - cpu) / count * 1e6}


BATCH = [{"Id": str(i), "MessageBody": BODY} for i in range(10)]


def batches(server: Server, seconds: float) -> dict:
    queue, cpu = make_queue(server, "batches"), server.cpu_s()
    count, times = for_seconds(server, 16, seconds,
                               lambda door: door.call("SendMessageBatch", QueueUrl=queue, Entries=BATCH))
    return {"messages_per_s": count * len(BATCH) / seconds, "p50_ms": statistics.median(times) * 1000,
            "server_cpu_us": (server.cpu_s() - cpu) / count / len(BATCH) * 1e6}


def fill(server: Server, queue: str, count: int) -> None:
    threads = 4
    over = time.perf_counter() + DRAIN_S_MAX
    doors = [server.door() for _ in range(threads)]

    def send(thread: int):
        door = doors[thread]
        for _ in range(thread, count // len(BATCH), threads):
            if time.perf_counter() > over:
                return
            door.call("SendMessageBatch", QueueUrl=queue, Entries=BATCH)

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(send, range(threads)))


def cycles(server: Server, seconds: float) -> dict:
    queue = make_queue(server, "cycles")

    def cycle(door: Door):
        door.call("SendMessage", QueueUrl=queue, MessageBody=BODY)
        for message in door.call("ReceiveMessage", QueueUrl=queue).get("Messages", []):
            door.call("DeleteMessage", QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])

    cpu = server.cpu_s()
    count, _ = for_seconds(server, 16, seconds, cycle)
    return {"per_s": count / seconds, "server_cpu_us": (server.cpu_s() - cpu) / count * 1e6}


def wake_up(server: Server, rounds: int) -> dict:
    queue = make_queue(server, "wake-up")
    sender, receiver, times = server.door(), server.door(), []
    with ThreadPoolExecutor(1) as pool:
        for _ in range(rounds):
            arrived = pool.submit(lambda: (receiver.call("ReceiveMessage", QueueUrl=queue, WaitTimeSeconds=20),
                                           time.perf_counter()))
            time.sleep(0.03)  # until it waits
            sender.call("SendMessage", QueueUrl=queue, MessageBody=BODY)
            sent = time.perf_counter()
            answer, at = arrived.result()
            times.append((at - sent) * 1000)
            sender.call("DeleteMessage", QueueUrl=queue, ReceiptHandle=answer["Messages"][0]["ReceiptHandle"])
    return {"p50_ms": statistics.median(times), "p99_ms": statistics.quantiles(times, n=100)[98]}


def drain(server: Server) -> dict:
    queue = make_queue(server, "drain")
    fill(server, queue, DRAINED)
    doors, got, receives = [server.door() for _ in range(CONSUMERS)], [0] * CONSUMERS, []

    def consume(index: int):
        door = doors[index]
        while time.perf_counter() < over:
            began = time.perf_counter()
            messages = door.call("ReceiveMessage", QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
            receives.append((time.perf_counter() - began) * 1000)
            if not messages:
                return
            door.call("DeleteMessageBatch", QueueUrl=queue, Entries=[
                {"Id": str(i), "ReceiptHandle": one["ReceiptHandle"]} for i, one in enumerate(messages)])
            got[index] += len(messages)

    began = time.perf_counter()
    over = began + DRAIN_S_MAX
    with ThreadPoolExecutor(CONSUMERS) as pool:
        list(pool.map(consume, range(CONSUMERS)))
    return {"messages": sum(got), "seconds": time.perf_counter() - began,
            "receive_p99_ms": statistics.quantiles(receives, n=100)[98]}


def objects(server: Server, size: int, rounds: int) -> dict:
    s3, body = server.s3(), os.urandom(size)
    with contextlib.suppress(Exception):
        s3.create_bucket(Bucket="bench-cloud")
    puts, gets = [], []
    for i in range(rounds):
        began = time.perf_counter()
        s3.put_object(Bucket="bench-cloud", Key=f"{size}/{i}", Body=body)
        puts.append((time.perf_counter() - began) * 1000)
        began = time.perf_counter()
        got = s3.get_object(Bucket="bench-cloud", Key=f"{size}/{i}")["Body"].read()
        gets.append((time.perf_counter() - began) * 1000)
        assert got == body
    return {"put_p50_ms": statistics.median(puts), "get_p50_ms": statistics.median(gets)}


def put_many(address: str, thread: int) -> None:
    """One thread's share of the kept objects; the doors of this server take any key and verify nothing."""
    connection = http.client.HTTPConnection(address)
    headers = {"Authorization": "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/s3/aws4_request"}
    for number in range(thread, KEPT, PUTTERS):
        connection.request("PUT", f"/kept/{number % 100}/{number}", BODY, headers)
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 200, answer.status


def restart(folder: Path) -> dict:
    """From the start of the process until it answers, and then has everything: the slowest of three."""
    port, times = free_port(), []
    command = [BINARY, "localcloud", "--data", folder / "kept", "--listen", f"127.0.0.1:{port}", "--cloud-auth", "any"]
    for run in range(4):
        began = time.perf_counter()
        with Server("facefleet", command, f"http://127.0.0.1:{port}") as server:
            times.append((time.perf_counter() - began) * 1000)
            door = server.door()
            if run == 0:
                door.call("CreateQueue", QueueName="kept")
                server.s3().create_bucket(Bucket="kept")
                while (missing := KEPT - waiting(door, "kept")) > 0:
                    fill(server, "kept", missing)
                with ThreadPoolExecutor(PUTTERS) as pool:
                    list(pool.map(lambda thread: put_many(f"127.0.0.1:{port}", thread), range(PUTTERS)))
            assert waiting(door, "kept") == KEPT
            pages = server.s3().get_paginator("list_objects_v2").paginate(Bucket="kept")
            assert sum(page["KeyCount"] for page in pages) == KEPT
            server.process.kill()
    return {"messages": KEPT, "objects": KEPT, "restart_ms": max(times[1:])}


def waiting(door: Door, queue: str) -> int:
    names = ["ApproximateNumberOfMessages"]
    return int(door.call("GetQueueAttributes", QueueUrl=queue, AttributeNames=names)["Attributes"][names[0]])


def measure(server: Server, seconds: float, folder: Path) -> dict:
    figures: dict = {}
    steps = [(f"sends, {n} producer{'s' * (n > 1)}", lambda n=n: sends(server, n, seconds)) for n in PRODUCERS]
    steps += [("batches, 16 producers", lambda: batches(server, seconds)),
              ("cycles, 16 clients", lambda: cycles(server, seconds)), ("wake-up", lambda: wake_up(server, 60)),
              ("drain, 30 consumers", lambda: drain(server))]
    if server.objects:
        steps += [("objects, 10 kB", lambda: objects(server, 10_000, 100)),
                  ("objects, 10 MB", lambda: objects(server, 10_000_000, 5))]
    if server.name == "facefleet":
        steps += [("restart", lambda: restart(folder))]
    for name, step in steps:
        try:
            figures[name] = step()
        except (Refused, OSError, KeyError, AssertionError) as error:
            figures[name] = {"failed": f"{type(error).__name__}: {error}"[:200]}
        print(f"  {server.name:<10} {name:<22} {shown(figures[name])}", flush=True)
    return figures


def shown(figure: dict) -> str:
    return "  ".join(f"{name} {value:,.1f}" if isinstance(value, (int, float)) else f"{name} {value}"
                     for name, value in figure.items())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=3, help="of each measurement of throughput")
    parser.add_argument("--only", help="some of the servers, with commas between")
    parser.add_argument("--json", type=Path, default=ROOT / "bench/results/cloud.json")
    options = parser.parse_args()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, hard), hard))
    report = {"machine": machine() | {"python": platform.python_version()}, "seconds": options.seconds, "servers": {}}
    # Beside the repository, not in a file system of memory: the fsyncs must meet a disk.
    (ROOT / "build").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=ROOT / "build", prefix="bench-cloud-") as folder:
        for name, server in servers(Path(folder)).items():
            if options.only and name not in options.only.split(","):
                continue
            with server:
                report["servers"][name] = measure(server, options.seconds, Path(folder))
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(report, indent=1) + "\n")
    print(f"\n{report['machine']}; written to {options.json}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
