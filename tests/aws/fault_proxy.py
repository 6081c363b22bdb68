"""An HTTP proxy between facefleet and whatever plays AWS, which counts calls by service and action and breaks some.

What is broken is a list of rules: which calls, how many of them, and what happens instead. A rule's fault is a
coroutine that gets the call and a function that forwards it, and returns the answer that the caller gets; it may
forward twice, not at all, or raise Cut, and then the connection closes without. Only facefleet's own calls are counted
and broken, told by their User-Agent: whoever watches with boto3 sees what is there.

It also gives moto two properties of EC2 that its faults need: RunInstances launches MaxCount instances, not MinCount,
and a ClientToken launches once.
"""

import asyncio
import collections
import dataclasses
import re
import threading
import time
import urllib.parse
import uuid
from collections.abc import Awaitable, Callable

SERVICES = ("sqs", "s3", "ec2")
SCOPE = re.compile(r"Credential=([^/]+)/\d+/[^/]+/([^/]+)/aws4_request")


class Cut(Exception):
    """The connection to the caller ends here; `sent` goes out before."""

    def __init__(self, sent: bytes = b""):
        self.sent = sent


@dataclasses.dataclass
class Answer:
    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def encode(self, to_head: bool = False) -> bytes:
        head = f"HTTP/1.1 {self.status} {'OK' if self.status < 300 else 'Error'}\r\n"
        head += "".join(f"{name}: {value}\r\n" for name, value in self.headers
                        if name.lower() not in ("connection", "transfer-encoding", "content-length"))
        if self.status != 204:
            length = next((value for name, value in self.headers if name.lower() == "content-length"), len(self.body))
            head += f"Content-Length: {length if to_head else len(self.body)}\r\n"
        return head.encode() + b"\r\n" + (b"" if to_head else self.body)


@dataclasses.dataclass
class Call:
    method: str
    target: str
    headers: dict[str, str]  # by lower-case names
    head: bytes  # as it came
    body: bytes = b""

    def __post_init__(self):
        scope = SCOPE.search(self.headers.get("authorization", ""))
        self.key, self.service = scope.groups() if scope else ("", "s3")
        self.ours = self.headers.get("user-agent", "").startswith("facefleet")

    @property
    def length(self) -> int:
        return int(self.headers.get("content-length", 0))

    @property
    def form(self) -> dict[str, str]:
        return dict(urllib.parse.parse_qsl(self.body.decode(), keep_blank_values=True))

    @property
    def action(self) -> str:
        if target := self.headers.get("x-amz-target"):
            return target.split(".")[-1]
        if self.service != "s3":
            return self.form.get("Action", "?")
        path, _, query = self.target.partition("?")
        of_bucket = path.strip("/").count("/") == 0
        if self.method == "GET" and of_bucket:
            return "ListObjectsV2" if "list-type" in query else "GetBucket"
        if self.method == "POST":
            return "DeleteObjects" if "delete" in query else "PostObject"
        return self.method.capitalize() + ("Bucket" if of_bucket else "Object")

    def encode(self) -> bytes:
        return self.head + self.body


Forward = Callable[[Call], Awaitable[Answer]]


@dataclasses.dataclass
class Rule:
    """Of the calls that fit, each `every`th meets the fault, `most` times at most."""

    fault: Callable[[Call, Forward], Awaitable[Answer]]
    services: tuple[str, ...] = SERVICES
    actions: tuple[str, ...] = ()  # none: all
    every: int = 1
    most: int | None = None
    seen: int = 0
    hits: int = 0

    def meets(self, call: Call) -> bool:
        if not call.ours or call.service not in self.services or (self.actions and call.action not in self.actions):
            return False
        self.seen += 1
        if self.seen % self.every or self.hits == self.most:
            return False
        self.hits += 1
        return True


# --- faults -----------------------------------------------------------------------------------------------------------


def error(call: Call, code: str, status: int, message: str = "The fault proxy says so.") -> Answer:
    """As the call's service writes it."""
    if call.service == "sqs":
        body = f'{{"__type":"com.amazonaws.sqs#{code}","message":"{message}"}}'
        return Answer(status, [("Content-Type", "application/x-amz-json-1.0"),
                               ("x-amzn-query-error", f"{code};Sender")], body.encode())
    inner = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    body = inner if call.service == "s3" else f"<Response><Errors>{inner}</Errors><RequestID>1</RequestID></Response>"
    return Answer(status, [("Content-Type", "application/xml")], body.encode())


def refuse(status: int, **codes: str):
    """Says an error instead: refuse(503, s3="SlowDown")."""
    async def fault(call: Call, forward: Forward) -> Answer:
        return error(call, codes[call.service], status)
    return fault


async def cut_request(call: Call, forward: Forward) -> Answer:
    """The service gets half of the body, the caller nothing."""
    half = dataclasses.replace(call, body=call.body[:len(call.body) // 2])
    try:
        await forward(half)
    except Cut:
        pass
    raise Cut


async def cut_answer(call: Call, forward: Forward) -> Answer:
    """What was asked is done, and the caller gets half of the answer."""
    answer = await forward(call)
    whole = answer.encode()
    raise Cut(whole[:len(whole) - max(len(answer.body) // 2, 1)])


async def twice(call: Call, forward: Forward) -> Answer:
    await forward(call)
    return await forward(call)


async def forget_deletion(call: Call, forward: Forward) -> Answer:
    """The service says that the messages are deleted, and delivers them again, which SQS may do."""
    ids = re.findall(rb'"Id":"([^"]*)"', call.body)
    body = b'{"Successful":[' + b",".join(b'{"Id":"' + one + b'"}' for one in ids) + b'],"Failed":[]}' if ids else b""
    return Answer(200, [("Content-Type", "application/x-amz-json-1.0")], body)


class Lagging:
    """DescribeInstances answers as it would have so many seconds ago."""

    def __init__(self, seconds: float, look_s: float = 0.1):
        self.seconds, self.look_s = seconds, look_s
        self.seen: collections.deque[tuple[float, Answer]] = collections.deque()
        self.looking: asyncio.Task | None = None

    async def look(self, call: Call, forward: Forward) -> None:
        while True:
            await asyncio.sleep(self.look_s)
            try:
                self.seen.append((time.monotonic(), await forward(call)))
            except (Cut, OSError):
                continue
            while len(self.seen) > 1 and self.seen[1][0] <= time.monotonic() - self.seconds:
                self.seen.popleft()

    async def __call__(self, call: Call, forward: Forward) -> Answer:
        if self.looking is None:
            self.seen.append((time.monotonic(), await forward(call)))
            self.looking = asyncio.create_task(self.look(call, forward))
        return self.seen[0][1]


class Expiring:
    """The first credentials of each process (ASIA0000…: hypervisor.py) expire after so many calls, whatever was said
    when they were issued."""

    def __init__(self, calls: int):
        self.calls, self.used, self.broke = calls, collections.Counter(), 0

    async def __call__(self, call: Call, forward: Forward) -> Answer:
        self.used[call.key] += 1
        if not call.key.startswith("ASIA0000") or self.used[call.key] <= self.calls:
            return await forward(call)
        self.broke += 1
        code, status = {"s3": ("ExpiredToken", 400), "sqs": ("ExpiredToken", 403),
                        "ec2": ("RequestExpired", 400)}[call.service]
        return error(call, code, status, "The security token included in the request is expired")


# --- the proxy --------------------------------------------------------------------------------------------------------


class Pending:
    """Instances are pending for a while after they were launched or started, for all who look."""

    ITEM = re.compile(rb"<instanceId>(i-[0-9a-f]+)</instanceId>(?:(?!<instanceId>).)*?<instanceState>.*?"
                      rb"</instanceState>", re.S)
    STATE = re.compile(rb"<instanceState>.*</instanceState>", re.S)

    def __init__(self):
        self.seconds = 0.0
        self.since: dict[bytes, float] = {}
        self.shown: set[bytes] = set()  # which instances somebody has seen pending

    def show(self, call: Call, answer: Answer) -> Answer:
        if self.seconds and call.action in ("RunInstances", "StartInstances"):
            for one in re.findall(rb"<instanceId>(i-[0-9a-f]+)</instanceId>", answer.body):
                self.since.setdefault(one, time.monotonic())
        if call.action == "StopInstances":
            for one in re.findall(rb"<instanceId>(i-[0-9a-f]+)</instanceId>", answer.body):
                self.since.pop(one, None)
        if call.action != "DescribeInstances":
            return answer
        return dataclasses.replace(answer, body=self.ITEM.sub(self.rewrite, answer.body))

    def rewrite(self, item: re.Match) -> bytes:
        waits = time.monotonic() - self.since.get(item[1], -1e9) < self.seconds
        if not waits or b"<name>running</name>" not in item[0]:
            return item[0]
        self.shown.add(item[1])
        return self.STATE.sub(b"<instanceState><code>0</code><name>pending</name></instanceState>", item[0])


class FaultProxy:
    """Forwards each service's calls to its endpoint: FaultProxy({"sqs": URL, …}). Runs in a thread of its own."""

    def __init__(self, endpoints: dict[str, str]):
        self.addresses = {service: urllib.parse.urlsplit(url) for service, url in endpoints.items()}
        self.rules: list[Rule] = []
        self.pending = Pending()
        self.calls: collections.Counter[tuple[str, str]] = collections.Counter()  # of facefleet, by service and action
        self.launched: dict[str, tuple[dict, Answer]] = {}  # by ClientToken: what was asked, and said
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)

    def __enter__(self) -> "FaultProxy":
        self.thread.start()
        serving = asyncio.run_coroutine_threadsafe(asyncio.start_server(self.serve, "127.0.0.1", 0), self.loop)
        self.server = serving.result(10)
        self.url = f"http://127.0.0.1:{self.server.sockets[0].getsockname()[1]}"
        return self

    def __exit__(self, *_) -> None:
        async def end():
            self.server.close()
            tasks = asyncio.all_tasks() - {asyncio.current_task()}
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        asyncio.run_coroutine_threadsafe(end(), self.loop).result(10)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()

    def of(self, service: str) -> dict[str, int]:
        """How often each action of a service was called."""
        return {action: count for (one, action), count in sorted(self.calls.items()) if one == service}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        next_head = asyncio.ensure_future(reader.readuntil(b"\r\n\r\n"))
        try:
            while True:
                call = self.read_head(await next_head)
                if call.headers.get("expect"):
                    writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                call.body = await reader.readexactly(call.length)
                # Read on meanwhile, to see a caller that goes: what it waits for is given up then.
                next_head = asyncio.ensure_future(reader.readuntil(b"\r\n\r\n"))
                answering = asyncio.ensure_future(self.answer(call))
                await asyncio.wait((next_head, answering), return_when=asyncio.FIRST_COMPLETED)
                if not answering.done() and next_head.exception():
                    answering.cancel()
                answer = await answering
                writer.write(answer.encode(to_head=call.method == "HEAD"))
                await writer.drain()
        except Cut as cut:
            writer.write(cut.sent)
        except (asyncio.IncompleteReadError, asyncio.CancelledError, OSError):
            pass  # the caller has gone, or the proxy ends
        finally:
            if not next_head.cancel() and not next_head.cancelled():
                next_head.exception()
            writer.close()

    @staticmethod
    def read_head(head: bytes) -> Call:
        first, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
        method, target, _ = first.split(" ", 2)
        pairs = (line.split(":", 1) for line in lines)
        return Call(method, target, {name.strip().lower(): value.strip() for name, value in pairs}, head)

    async def answer(self, call: Call) -> Answer:
        if call.ours:
            self.calls[call.service, call.action] += 1
        rule = next((rule for rule in self.rules if rule.meets(call)), None)
        answer = await (rule.fault(call, self.forward) if rule else self.forward(call))
        return self.pending.show(call, answer) if call.service == "ec2" else answer

    async def forward(self, call: Call) -> Answer:
        launches = call.service == "ec2" and call.action == "RunInstances" and len(call.body) == call.length
        if launches:
            return await self.run_instances(call)
        return await self.send(call)

    async def run_instances(self, call: Call) -> Answer:
        token = call.form.get("ClientToken") or uuid.uuid4().hex
        if token not in self.launched:
            body = re.sub(rb"MinCount=\d+", f"MinCount={call.form['MaxCount']}".encode(), call.body)
            head = re.sub(rb"(?i)(content-length: )\d+", rb"\g<1>%d" % len(body), call.head)
            answer = await self.send(dataclasses.replace(call, head=head, body=body))
            if answer.status != 200:
                return answer
            self.launched[token] = call.form, answer
        terms, answer = self.launched[token]
        return answer if terms == call.form else error(call, "IdempotentParameterMismatch", 400)

    async def send(self, call: Call) -> Answer:
        address = self.addresses[call.service]
        reader, writer = await asyncio.open_connection(address.hostname, address.port, limit=1 << 20)
        try:
            writer.write(call.encode())
            if len(call.body) < call.length:  # the caller has gone
                await writer.drain()
                raise Cut
            return await self.read_answer(call, reader)
        except (asyncio.IncompleteReadError, OSError) as broken:
            raise Cut from broken
        finally:
            writer.close()

    @staticmethod
    async def read_answer(call: Call, reader: asyncio.StreamReader) -> Answer:
        status = 100
        while status == 100:
            first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").rstrip("\r\n").split("\r\n")
            status = int(first.split(" ")[1])
        headers = [(name.strip(), value.strip()) for name, value in (line.split(":", 1) for line in lines)]
        fields = {name.lower(): value for name, value in headers}
        if call.method == "HEAD" or status in (204, 304):
            body = b""
        elif "chunked" in fields.get("transfer-encoding", ""):
            body = b""
            while size := int(await reader.readuntil(b"\r\n"), 16):
                body += (await reader.readexactly(size + 2))[:-2]
            await reader.readuntil(b"\r\n")
        elif "content-length" in fields:
            body = await reader.readexactly(int(fields["content-length"]))
        else:
            body = await reader.read()
        return Answer(status, headers, body)
