"""./dev faults: breaks the system under load and says what it cost. Each fault is a function here, and a row in FAULTS.

    engine      SIGKILL of the local cloud at random moments, under producers and consumers at its SQS door
    workers     SIGKILL of a random worker after every few answers
    stopped     SIGSTOP of a worker for twice its lease, then SIGCONT: its late answer changes nothing
    gateway     SIGKILL of the gateway while callers wait; each asks again with the same Idempotency-Key
    poison      files that are no photos among the photos: refused in words, the others answered
    autoscaler  SIGKILL of the autoscaler in the middle of a burst
    aws         what AWS itself does wrong, on a system whose services are others': twelve faults, in aws_faults.py

A run prints its seed; --seed repeats its choices (not the
machine's timing). The verdict of every fault: nothing accepted is lost, nothing wrong is answered, nothing unexpected.
"""

import argparse
import contextlib
import http.client
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests/blackbox"), str(ROOT / "tests/faults")]

import aws_faults  # noqa: E402
from aws_faults import AWS_FAULTS, Clouds  # noqa: E402
from callers import Callers, left_in_queues  # noqa: E402
from door import Door, Refused  # noqa: E402
from ledger import Ledger  # noqa: E402
from row import Row, Setting  # noqa: E402
from system import BINARY, PHOTOS, System, free_port, wait_until  # noqa: E402

BROKEN = (OSError, http.client.HTTPException, Refused)


# --- the engine -------------------------------------------------------------------------------------------------------


class Engine:
    """The local cloud alone on one port and one folder, through all its lives."""

    def __init__(self, setting: Setting):
        self.data, self.port = setting.folder / "engine", free_port()
        self.data.mkdir()
        self.endpoint = f"http://127.0.0.1:{self.port}"
        self.command = [setting.binary, "localcloud", "--data", self.data, "--listen", f"127.0.0.1:{self.port}"]
        self.process: subprocess.Popen | None = None

    def start(self) -> float:
        """Until it answers; how long that took."""
        began = time.monotonic()
        with (self.data / "log").open("ab") as log:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_until(self.answers, 30, "the local cloud answers")
        return time.monotonic() - began

    def answers(self) -> bool:
        assert self.process.poll() is None, (self.data / "log").read_text()[-2000:]
        try:
            self.door().call("ListQueues")
            return True
        except (*BROKEN, FileNotFoundError):
            return False

    def door(self) -> Door:
        env = dict(line.split("=", 1) for line in (self.data / "cloud.env").read_text().splitlines())
        return Door(self.endpoint, env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"])

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


class Load:
    """Producers and consumers that go on whatever happens to the engine, and write down what they were told."""

    def __init__(self, engine: Engine, ledger: Ledger, seed: int):
        self.engine, self.ledger, self.done = engine, ledger, threading.Event()
        self.latencies_s: list[float] = []
        self.threads = [threading.Thread(target=self.produce, args=(f"{seed:x}-{i}",)) for i in range(3)]
        self.threads += [threading.Thread(target=self.consume) for _ in range(2)]
        for thread in self.threads:
            thread.start()

    def produce(self, prefix: str) -> None:
        door, number = self.engine.door(), 0
        while not self.done.is_set():
            names = [f"{prefix}-{number + i}" for i in range(1 if number % 3 else 5)]
            number += len(names)
            for name in names:
                self.ledger.attempt(name)
            began = time.monotonic()
            try:
                if len(names) == 1:
                    door.call("SendMessage", QueueUrl="q", MessageBody=Ledger.body(names[0]))
                    self.ledger.accept(names[0])
                else:
                    entries = [{"Id": str(i), "MessageBody": Ledger.body(name)} for i, name in enumerate(names)]
                    for one in door.call("SendMessageBatch", QueueUrl="q", Entries=entries).get("Successful", []):
                        self.ledger.accept(names[int(one["Id"])])
                self.latencies_s.append(time.monotonic() - began)
            except BROKEN:
                time.sleep(0.005)

    def consume(self) -> None:
        door = self.engine.door()
        while not self.done.is_set():
            try:
                take(door, self.ledger, wait_s=1)
            except BROKEN:
                time.sleep(0.005)

    def stop(self) -> None:
        self.done.set()
        for thread in self.threads:
            thread.join()


def take(door: Door, ledger: Ledger, wait_s: int) -> int:
    """Receives once and deletes what came; how many that were."""
    messages = door.call("ReceiveMessage", QueueUrl="q", MaxNumberOfMessages=10, WaitTimeSeconds=wait_s).get(
        "Messages", [])
    for message in messages:
        name = ledger.receive(message["Body"])
        door.call("DeleteMessage", QueueUrl="q", ReceiptHandle=message["ReceiptHandle"])
        ledger.delete(name)
    return len(messages)


def engine(setting: Setting) -> Row:
    """A message whose deletion was not acknowledged may come again: that is a duplicate, and no fault."""
    subject, ledger = Engine(setting), Ledger()
    starts = [subject.start()]
    # What a dead consumer held is visible at once after a restart; the lease only has to outlast a cycle.
    subject.door().call("CreateQueue", QueueName="q", Attributes={"VisibilityTimeout": "30"})
    load = Load(subject, ledger, setting.chance.getrandbits(32))
    try:
        time.sleep(0.5)
        quiet = len(load.latencies_s)
        for _ in range(setting.cycles):
            time.sleep(setting.chance.uniform(0.02, 0.6))
            subject.kill()
            starts.append(subject.start())
        load.stop()
        subject.kill()  # once more: ends all leases
        starts.append(subject.start())
        door = subject.door()
        while take(door, ledger, wait_s=0):
            pass
    finally:
        load.stop()
        subject.kill()
    return Row(setting.cycles, len(ledger.accepted), len(ledger.lost), len(ledger.back) + len(ledger.unexpected),
               ledger.duplicates, load.latencies_s[quiet:], load.latencies_s[:quiet],
               f"deleted and back {len(ledger.back)}, unexpected {len(ledger.unexpected)}; restart to serving "
               f"{max(starts) * 1000:.0f} ms at most")


# --- the whole system -------------------------------------------------------------------------------------------------


def with_system(setting: Setting, breaks, *arguments: str) -> Row:
    """Callers, first in quiet, then while `breaks(system, callers, done)` runs beside them; how often it broke."""
    system = System(setting.binary, setting.folder / breaks.__name__, list(arguments), {})
    done, cycles = threading.Event(), [0]
    try:
        system.start()
        system.enrol(PHOTOS / "people")
        callers = Callers(system, "key")
        callers.all(range(20))
        quiet = len(callers.latencies_s)
        breaker = threading.Thread(target=lambda: cycles.__setitem__(0, breaks(system, callers, done, setting)))
        breaker.start()
        callers.all(range(20, 20 + setting.requests))
        done.set()
        breaker.join()
        wait_until(lambda: left_in_queues(system) == 0, 60, "the queues are empty")
    finally:
        done.set()
        system.stop()
    return Row(cycles[0], 20 + setting.requests, callers.lost, len(callers.wrong), 0, callers.latencies_s[quiet:],
               callers.latencies_s[:quiet], str(callers.wrong[:1]) if callers.wrong else "")


def after_answers(callers: Callers, done: threading.Event, count: int) -> bool:
    """Once so many more have been answered; false when all have."""
    while count and not done.is_set():
        count -= callers.answered.acquire(timeout=0.2)
    return not done.is_set()


def living_workers(system: System) -> list[int]:
    return [pid for pid in system.pids().get("workers", []) if system.is_ours(pid)]


def kill_workers(system: System, callers: Callers, done: threading.Event, setting: Setting) -> int:
    kills = 0
    while after_answers(callers, done, 3):
        if workers := living_workers(system):
            os.kill(setting.chance.choice(workers), signal.SIGKILL)
            kills += 1
    return kills


def stop_workers(system: System, callers: Callers, done: threading.Event, setting: Setting) -> int:
    """The course's profile has the shortest lease there is; SIGCONT comes after twice the default one at most."""
    stops = 0
    while after_answers(callers, done, 10):
        if not (workers := living_workers(system)):
            continue
        worker = setting.chance.choice(workers)
        os.kill(worker, signal.SIGSTOP)
        stops += 1
        done.wait(20)
        if system.is_ours(worker):
            os.kill(worker, signal.SIGCONT)
    return stops


def kill_gateway(system: System, callers: Callers, done: threading.Event, setting: Setting) -> int:
    kills = 0
    while after_answers(callers, done, 15):
        if (pid := system.pids().get("gateway")) and system.is_ours(pid):
            os.kill(pid, signal.SIGKILL)
            kills += 1
    return kills


def kill_autoscaler(system: System, callers: Callers, done: threading.Event, setting: Setting) -> int:
    kills = 0
    while after_answers(callers, done, 10):
        if (pid := system.pids().get("autoscaler")) and system.is_ours(pid):
            os.kill(pid, signal.SIGKILL)
            kills += 1
    return kills


def send_poison(system: System, callers: Callers, done: threading.Event, setting: Setting) -> int:
    """Each is refused with 4xx and a reason."""
    photo = (PHOTOS / "probes/unknown.jpg").read_bytes()
    kinds = [b"", b"not an image", photo[:len(photo) // 2], b"\x89PNG\r\n\x1a\n" + bytes(64), b"GIF89a" + bytes(64),
             setting.chance.randbytes(10_000)]
    sent = 0
    while after_answers(callers, done, 4):
        answer = system.upload(("poison.jpg", kinds[sent % len(kinds)]))
        sent += 1
        if not 400 <= answer.status < 500 or not answer.text:
            callers.wrong.append((answer.status, answer.text))
    return sent


FAULTS = {
    "engine": engine,
    "workers": lambda setting: with_system(setting, kill_workers),
    "stopped": lambda setting: with_system(setting, stop_workers),
    "gateway": lambda setting: with_system(setting, kill_gateway, "--listen", f"127.0.0.1:{free_port()}"),
    "poison": lambda setting: with_system(setting, send_poison),
    "autoscaler": lambda setting: with_system(setting, kill_autoscaler),
}


COLUMNS = ["fault", "cycles", "accepted", "lost", "wrong", "duplicates", "added p99", ""]


def cells(name: str, row: Row) -> list[str]:
    duplicates = "-" if row.duplicates is None else str(row.duplicates)
    return [name, *map(str, (row.cycles, row.accepted, row.lost, row.wrong)), duplicates,
            f"{row.added_p99_ms:.0f} ms", row.note]


def show(cells: list[str]) -> None:
    widths = [-15, 6, 8, 4, 5, 10, 9]
    print(" ".join(cell.ljust(-width) if width < 0 else cell.rjust(width)
                   for cell, width in zip(cells, widths)), "", cells[-1], flush=True)


def run(names: list[str], seed: int, cycles: int, requests: int) -> dict[str, Row]:
    print(f"seed {seed}", flush=True)
    show(COLUMNS)
    rows = {}
    with contextlib.ExitStack() as stack:
        clouds = None
        for name in names:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="facefleet-faults-")))
            setting = Setting(BINARY, folder, random.Random(f"{seed} {name}"), cycles, requests)
            if name in AWS_FAULTS:
                clouds = clouds or stack.enter_context(Clouds(folder / "clouds"))
                rows[name] = aws_faults.run(name, folder, requests, clouds)
            else:
                rows[name] = FAULTS[name](setting)
            show(cells(name, rows[name]))
    return rows


def write_table(file: Path, rows: dict[str, Row], arguments: argparse.Namespace) -> None:
    """As Markdown, with what it takes to make it again."""
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True,
                            check=False).stdout.strip()
    only = arguments.only or ",".join(rows)
    made = f"./dev faults --only {only} --requests {arguments.requests} --table {arguments.table}"
    table = [COLUMNS[:-1] + ["figures"], ["---"] * len(COLUMNS), *(cells(name, row) for name, row in rows.items())]
    meanings = (aws_faults.__doc__ if set(rows) <= set(AWS_FAULTS) else __doc__).strip().splitlines()
    file.write_text(f"# What faults cost\n\n`{made}` wrote this, with the seed {arguments.seed}, at commit "
                    f"{commit or 'unknown'}, on {os.cpu_count()} cores.\n\n" +
                    "".join(f"| {' | '.join(line)} |\n" for line in table) +
                    "\n" + "".join(f"    {line}".rstrip() + "\n" for line in meanings))


def names_of(only: str | None) -> list[str]:
    """`aws` stands for all of AWS's; None for everything."""
    known = [*FAULTS, *AWS_FAULTS]
    names = []
    for one in only.split(",") if only else known:
        found = [name for name in known if name == one or (one == "aws" and name in AWS_FAULTS)]
        if not found:
            raise ValueError(f"there is no fault {one}; there are {', '.join(FAULTS)}, aws, {', '.join(AWS_FAULTS)}")
        names += found
    return names


def main() -> int:
    parser = argparse.ArgumentParser(prog="./dev faults", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().getrandbits(32))
    parser.add_argument("--only", help="some of them, with commas between; aws: all of AWS's")
    parser.add_argument("--cycles", type=int, default=20, help="kills of the engine")
    parser.add_argument("--requests", type=int, default=60, help="photos while the whole system is broken")
    parser.add_argument("--table", type=Path, help="write the table to this file, as Markdown")
    arguments = parser.parse_args()
    try:
        names = names_of(arguments.only)
    except ValueError as unknown:
        parser.error(str(unknown))
    rows = run(names, arguments.seed, arguments.cycles, arguments.requests)
    if arguments.table:
        write_table(arguments.table, rows, arguments)
    return 0 if all(row.good for row in rows.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
