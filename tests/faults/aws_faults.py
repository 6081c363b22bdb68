"""The faults of AWS itself, on a whole system whose services are behind a fault proxy: moto's server plays EC2, and SQS
and S3, too, where a fault is theirs; else those are our own doors.

    aws-throttled     every fourth call is throttled, in each service's own words
    aws-capacity      RunInstances says InsufficientInstanceCapacity four times
    aws-pool          the same of StartInstances, on a pool of stopped instances
    aws-pending       instances are pending for 30 s (in CI for 3 s: the autoscaler knows no difference)
    aws-dies          the first instances end while they are pending
    aws-spot          two instances get a spot notice: their workers finish what they have and leave; then they end
    aws-lagging       DescribeInstances is five seconds behind
    aws-expired       the credentials of each process expire after thirty calls, though their Expiration is hours away
    aws-500           every tenth call is answered with 500 and not done
    aws-cut-request   of every tenth call half of the body arrives, then the connection closes
    aws-cut-answer    every tenth call is done, and its answer breaks off in the middle
    aws-twice         messages arrive twice, and what was deleted comes again

The verdict: every photo is answered right, or its caller told in words, and then a retry with the same
Idempotency-Key is answered; the cap is never passed; the queues end empty and the fleet at rest; calls are bounded (by
the ceilings in tests/faults/aws_faults.py).
"""

import contextlib
import dataclasses
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests/blackbox"), str(ROOT / "tests/aws"), str(ROOT / "tests/faults")]

import fault_proxy  # noqa: E402
from callers import Callers, left_in_queues  # noqa: E402
from fault_proxy import Rule  # noqa: E402
from foreign_system import ForeignSystem, end_all_instances, start_localcloud, start_moto  # noqa: E402
from row import Row  # noqa: E402
from system import PHOTOS, wait_until  # noqa: E402

CAP, TICK_S, LEASE_S = 3, 0.5, 4
QUIET = 20  # photos, when nothing is broken
TOLD = (429, 500, 502, 503, 504)  # where AWS itself fails, a caller is told so, and asks again
SETTINGS = {"id": "faults", "fleet.workers_max": CAP, "autoscaler.tick_s": TICK_S, "autoscaler.idle_hold_s": 1,
            "autoscaler.policy": "backlog-per-worker", "worker.lease_s": LEASE_S, "worker.receives_max": 50}

# Calls at most. Generous: what they must catch is a loop that does not wait.
S3_A_PHOTO, SQS_A_PHOTO = 15, 15  # beside looks at the queue, which go by time, and asks for jobs
ASKS_A_PHOTO = 10  # one, beside those that found nothing or were broken
DESCRIBES_A_TICK = 1.2
LAUNCHES = 20


@dataclasses.dataclass
class Fault:
    rules: Callable[[], list[Rule]] = list
    settings: dict = dataclasses.field(default_factory=dict)
    pending_s: float = 0
    on_moto: bool = False  # queues and objects, too
    keys: bool = True  # of the environment; else the instance's role's
    during: Callable[[ForeignSystem, threading.Event], int] | None = None  # how often it broke something


def end_pending_instances(system: ForeignSystem, done: threading.Event) -> int:
    """Ends the first two, as EC2 does when a volume cannot be attached."""
    ec2, ended = system.boto3("ec2"), 0
    while ended < 2 and not done.wait(0.05):
        groups = ec2.describe_instances(Filters=[{"Name": "tag:Name", "Values": [system.names + "*"]},
                                                 {"Name": "instance-state-name", "Values": ["running"]}])
        ids = [one["InstanceId"] for group in groups["Reservations"] for one in group["Instances"]][:2 - ended]
        if ids:  # moto knows no pending: to facefleet they are
            ec2.terminate_instances(InstanceIds=ids)
            ended += len(ids)
    return ended


def interrupt_instances(system: ForeignSystem, done: threading.Event) -> int:
    """Gives the first two a spot notice, and ends each once its worker has left of itself."""
    ec2, noticed, ended = system.boto3("ec2"), {}, set()
    while len(ended) < 2 and not done.wait(0.1):
        for machine in list(system.hypervisor.machines.values()):
            if len(noticed) < 2 and machine.id not in noticed:
                machine.metadata.give_spot_notice()
                noticed[machine.id] = machine
        for machine in noticed.values():
            if machine.id not in ended and machine.process.poll() == 0:
                ec2.terminate_instances(InstanceIds=[machine.id])
                ended.add(machine.id)
    return len(ended)


THROTTLED = fault_proxy.refuse(503, ec2="RequestLimitExceeded", s3="SlowDown", sqs="RequestThrottled")
NO_CAPACITY = fault_proxy.refuse(500, ec2="InsufficientInstanceCapacity")
FAILED = fault_proxy.refuse(500, ec2="InternalError", s3="InternalError", sqs="InternalFailure")
POOL = {"fleet.pool": True}

AWS_FAULTS = {
    "aws-throttled": Fault(lambda: [Rule(THROTTLED, every=4)], on_moto=True),
    "aws-capacity": Fault(lambda: [Rule(NO_CAPACITY, ("ec2",), ("RunInstances",), most=4)]),
    "aws-pool": Fault(lambda: [Rule(NO_CAPACITY, ("ec2",), ("StartInstances",), most=4)], POOL),
    "aws-pending": Fault(pending_s=30),
    "aws-dies": Fault(pending_s=3, during=end_pending_instances),
    "aws-spot": Fault(during=interrupt_instances),
    "aws-lagging": Fault(lambda: [Rule(fault_proxy.Lagging(5), ("ec2",), ("DescribeInstances",))]),
    "aws-expired": Fault(lambda: [Rule(fault_proxy.Expiring(30))], keys=False),
    "aws-500": Fault(lambda: [Rule(FAILED, every=10)], on_moto=True),
    "aws-cut-request": Fault(lambda: [Rule(fault_proxy.cut_request, every=10)]),
    "aws-cut-answer": Fault(lambda: [Rule(fault_proxy.cut_answer, every=10)]),
    "aws-twice": Fault(lambda: [Rule(fault_proxy.twice, ("sqs",), ("SendMessage", "SendMessageBatch"), every=4),
                                Rule(fault_proxy.forget_deletion, ("sqs",), ("DeleteMessage", "DeleteMessageBatch"),
                                     every=4)]),
}


class Clouds:
    """What plays AWS, for any number of faults: moto's server, and our own doors."""

    def __init__(self, folder: Path):
        self.folder, self.stack, self.quiet_s = folder, contextlib.ExitStack(), {}

    def __enter__(self) -> "Clouds":
        self.folder.mkdir(exist_ok=True)
        self.moto = self.stack.enter_context(start_moto(self.folder))
        self.doors = self.stack.enter_context(start_localcloud(self.folder))
        return self

    def __exit__(self, *_) -> None:
        self.stack.close()

    def endpoints(self, on_moto: bool) -> dict[str, str]:
        own = self.moto if on_moto else self.doors
        return {"ec2": self.moto, "s3": own, "sqs": own}

    def prepare(self, system: ForeignSystem) -> list[float]:
        """Enrols people, once where the objects are, and asks from rest when nothing is broken; how long that took."""
        where = system.endpoints_of["s3"]
        if where not in self.quiet_s:
            system.enrol(PHOTOS / "people")
            system.wait_for_rest()
            callers = Callers(system, "quiet")
            callers.all(range(QUIET))
            assert (callers.lost, callers.wrong, callers.told) == (0, [], [])
            self.quiet_s[where] = callers.latencies_s
        system.wait_for_rest()
        return self.quiet_s[where]


def figures(system: ForeignSystem, photos: int, ticks: float, told: int) -> tuple[str, list[str]]:
    """What was called how often, in words; and what of it is too much."""
    s3, sqs, ec2 = system.proxy.of("s3"), system.proxy.of("sqs"), system.proxy.of("ec2")
    looks = sqs.pop("GetQueueAttributes", 0)
    asks = sqs.pop("ReceiveMessage", 0)
    describes = ec2.pop("DescribeInstances", 0)
    launches = ec2.get("RunInstances", 0) + ec2.get("StartInstances", 0)
    a_photo = {"s3": sum(s3.values()) / photos, "sqs": sum(sqs.values()) / photos}
    broken = [f"{service}: {calls:.1f} calls a photo" for service, calls in a_photo.items()
              if calls > {"s3": S3_A_PHOTO, "sqs": SQS_A_PHOTO}[service]]
    if asks / photos > ASKS_A_PHOTO:
        broken.append(f"{asks / photos:.1f} asks for jobs a photo")
    if describes > DESCRIBES_A_TICK * ticks + 10:
        broken.append(f"{describes} DescribeInstances in {ticks:.0f} ticks")
    if launches > LAUNCHES:
        broken.append(f"{launches} launches")
    most = max(system.hypervisor.seen)
    if most > system.cap:
        broken.append(f"{most} instances where {system.cap} are allowed")
    if most < system.cap:
        broken.append(f"{most} instances where {system.cap} were needed")
    return (f"{most} instances of {system.cap}; a photo: {a_photo['s3']:.1f} S3, {a_photo['sqs']:.1f} SQS, "
            f"{asks / photos:.1f} asks; a tick: {describes / ticks:.2f} describes, {looks / ticks:.2f} looks; "
            f"launches {launches}, tags {ec2.get('CreateTags', 0)}; errors told {told}"), broken


def run(name: str, folder: Path, photos: int, clouds: Clouds, quick: bool = False) -> Row:
    """With so many photos or more; `quick`: instances are pending for a tenth of the time."""
    fault, done, broke = AWS_FAULTS[name], threading.Event(), []
    system = ForeignSystem(folder / name, clouds.endpoints(fault.on_moto), "default", SETTINGS | fault.settings,
                           keys=fault.keys)
    try:
        system.start()
        quiet_s = clouds.prepare(system)
        system.begin_counting()
        system.proxy.rules = fault.rules()
        system.proxy.pending.seconds = min(fault.pending_s, 3) if quick else fault.pending_s
        began = time.monotonic()
        breaker = threading.Thread(target=lambda: broke.append(fault.during(system, done) if fault.during else 0))
        breaker.start()
        callers = Callers(system, name, TOLD)
        callers.all(range(photos))
        while breaker.is_alive() and time.monotonic() - began < 60:  # what breaks meanwhile, breaks under load
            callers.all(range(photos, photos + 10))
            photos += 10
        system.wait_for_rest()
        wait_until(lambda: left_in_queues(system) == 0, 60, "the queues are empty")
        ticks = (time.monotonic() - began) / TICK_S
        done.set()
        breaker.join()
        note, broken = figures(system, photos, ticks, len(callers.told))
        hits = [getattr(rule.fault, "broke", rule.hits) for rule in system.proxy.rules]  # each must have met some
        if fault.pending_s:
            hits.append(len(system.proxy.pending.shown))
        if fault.during:
            hits.append(broke[-1])
    except BaseException:
        print(system.logs())
        raise
    finally:
        done.set()
        system.stop()
        end_all_instances(system)
    return Row(min(hits), photos - callers.lost, callers.lost, len(callers.wrong), None, callers.latencies_s, quiet_s,
               "; ".join([note, *broken, *map(str, callers.wrong[:1])]), broken)
