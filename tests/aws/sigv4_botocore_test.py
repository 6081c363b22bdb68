"""10,000 random requests, signed by botocore and by us: the same signatures, and each accepts only what it should.

The driver is built with the tests (`sigv4_driver`); FACEFLEET_BUILD names the build folder, `build/release` or
`build/dev` by default.
"""

import datetime
import json
import os
import pathlib
import random
import subprocess
import urllib.parse

import pytest

botocore = pytest.importorskip("botocore")
import botocore.auth  # noqa: E402
import botocore.awsrequest  # noqa: E402
import botocore.credentials  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
REQUESTS = 10_000
NOW = datetime.datetime(2026, 3, 14, 15, 9, 26, tzinfo=datetime.timezone.utc)
NOW_MS = int(NOW.timestamp()) * 1000
ALPHABET = "abcXYZ019-._~ !$&'()*+,;=:@%/?#[]\"<>\\^`{|}\t\u00e9\u1234\U0001f600"


def find_driver():
    folders = [os.environ["FACEFLEET_BUILD"]] if "FACEFLEET_BUILD" in os.environ else ["build/release", "build/dev"]
    for folder in folders:
        driver = ROOT / folder / "tests" / "aws" / "sigv4_driver"
        if driver.exists():
            return str(driver)
    pytest.fail(f"sigv4_driver is in none of {folders}; build the tests first, or set FACEFLEET_BUILD")


def ask(questions):
    """The driver's answers, one for each question."""
    lines = "".join(json.dumps(question) + "\n" for question in questions)
    done = subprocess.run([find_driver()], input=lines, capture_output=True, text=True, check=True)
    answers = done.stdout.splitlines()
    assert len(answers) == len(questions)
    return answers


def random_text(rng, longest=12):
    return "".join(rng.choice(ALPHABET) for _ in range(rng.randint(0, longest)))


def quoted(text):
    return urllib.parse.quote(text, safe="-_.~")


def random_path(rng, service):
    segments = [quoted(random_text(rng)) for _ in range(rng.randint(0, 4))]
    if rng.random() < 0.3:
        segments.insert(rng.randint(0, len(segments)), rng.choice([".", "..", ""]))
    path = "/" + "/".join(segments)
    # "//host" would be read as an authority by urlsplit, which is botocore's parser and no wire's.
    return path if service == "s3" and not path.startswith("//") else "/x" + path


def random_query(rng):
    pairs = []
    for _ in range(rng.choice([0, 0, 1, 2, 3, 6])):
        name = quoted(random_text(rng)) or "n"
        pairs.append(rng.choice([name, name + "=", name + "=" + quoted(random_text(rng))]))
        if rng.random() < 0.2:
            pairs.append(name + "=" + quoted(random_text(rng)))
    rng.shuffle(pairs)
    return "&".join(pairs)


def random_headers(rng):
    fields = [("Host", rng.choice(["127.0.0.1:9324", "sqs.us-east-1.amazonaws.com", "bucket.example"]))]
    for _ in range(rng.randint(0, 5)):
        name = rng.choice(["Content-Type", "X-Amz-Meta-A", "x-amz-target", "Range", "X-Zed", "If-None-Match", "accept"])
        blanks = rng.choice(["", " ", "  ", "\t "])
        words = ["".join(rng.choice("abC1=\"*/;,:") for _ in range(rng.randint(0, 6)))
                 for _ in range(rng.randint(0, 3))]
        fields.append((name, blanks + rng.choice([" ", "   ", " \t "]).join(words) + blanks))
    if rng.random() < 0.5:
        fields.append(("User-Agent", "not signed"))
    rng.shuffle(fields)
    return fields


class Case:
    """One random request, and who signs it for what."""

    def __init__(self, rng):
        self.service = rng.choice(["s3", "s3", "sqs", "ec2", "sts"])
        self.region = rng.choice(["us-east-1", "eu-central-1", "mars"])
        self.id = "AKIA" + "".join(rng.choice("ABCDEFGH234567") for _ in range(16))
        self.secret = "".join(rng.choice("abcdefXYZ+/=019") for _ in range(40))
        self.token = "" if rng.random() < 0.6 else "".join(rng.choice("abc+/=") for _ in range(50))
        self.method = rng.choice(["GET", "PUT", "POST", "DELETE", "HEAD"])
        query = random_query(rng)
        self.target = random_path(rng, self.service) + ("?" + query if query else "")
        self.headers = random_headers(rng)
        self.body = rng.randbytes(rng.choice([0, 0, 1, 100, 5000]))
        self.presigned = rng.random() < 0.3

    def credentials(self):
        return botocore.credentials.Credentials(self.id, self.secret, self.token or None)

    def url(self):
        return "http://" + dict(self.headers)["Host"] + self.target

    def keys(self):
        return {"id": self.id, "secret": self.secret, "token": self.token}

    def by_botocore(self, presigned):
        """The request as botocore signs it."""
        # A presigned request is signed before there is a body; only S3 then accepts one.
        body = b"" if presigned and self.service != "s3" else self.body
        request = botocore.awsrequest.AWSRequest(method=self.method, url=self.url(), data=b"" if presigned else body)
        for name, value in self.headers:
            request.headers.add_header(name, value)
        if presigned:
            kind = botocore.auth.S3SigV4QueryAuth if self.service == "s3" else botocore.auth.SigV4QueryAuth
            kind(self.credentials(), self.service, self.region, expires=600).add_auth(request)
        else:
            kind = botocore.auth.S3SigV4Auth if self.service == "s3" else botocore.auth.SigV4Auth
            kind(self.credentials(), self.service, self.region).add_auth(request)
        split = urllib.parse.urlsplit(request.url)
        return {
            "method": self.method,
            "target": split.path + ("?" + split.query if split.query else ""),
            "headers": [[name, value] for name, value in request.headers.items()],
            "body": body.hex(),
        }

    def plain(self):
        return {
            "method": self.method,
            "target": self.target,
            "headers": [[name, value] for name, value in self.headers],
            "body": self.body.hex(),
        }


@pytest.fixture(scope="module")
def cases():
    rng = random.Random(20260314)
    return [Case(rng) for _ in range(REQUESTS)]


@pytest.fixture(autouse=True)
def fixed_time(monkeypatch):
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda *_, **__: NOW.replace(tzinfo=None))


def authorization_of(request):
    return next(value for name, value in request["headers"] if name == "Authorization")


def test_we_sign_as_botocore_does(cases):
    questions = [
        {"op": "sign", "request": case.plain(), "keys": case.keys(), "region": case.region, "service": case.service,
         "wall_ms": NOW_MS}
        for case in cases
    ]
    for case, ours in zip(cases, ask(questions)):
        assert ours == authorization_of(case.by_botocore(presigned=False)), vars(case)


def test_we_verify_what_botocore_signs(cases):
    signed = [case.by_botocore(presigned=case.presigned) for case in cases]
    questions = [
        {"op": "verify", "request": request, "keys": case.keys(), "wall_ms": NOW_MS + 1000 * (i % 600)}
        for i, (case, request) in enumerate(zip(cases, signed))
    ]
    for case, verdict in zip(cases, ask(questions)):
        assert verdict == "ok", (verdict, vars(case))


def changed(rng, request):
    """`request` with one signed thing changed."""
    other = json.loads(json.dumps(request))
    kind = rng.choice(["method", "target", "header", "secret"])
    if kind == "method":
        other["method"] += "X"
    elif kind == "target":
        path, _, query = other["target"].partition("?")
        other["target"] = path + "~" + ("?" + query if query else "")
    elif kind == "header":
        field = next(field for field in other["headers"] if field[0] == "Host")
        field[1] += "x"
    return other, kind == "secret"


def test_we_refuse_what_was_changed(cases):
    rng = random.Random(7)
    questions = []
    for case in cases:
        request, other_secret = changed(rng, case.by_botocore(presigned=case.presigned))
        keys = case.keys() | ({"secret": case.secret + "x"} if other_secret else {})
        questions.append({"op": "verify", "request": request, "keys": keys, "wall_ms": NOW_MS})
    for case, verdict in zip(cases, ask(questions)):
        refusal = "AuthFailure" if case.service == "ec2" else "SignatureDoesNotMatch"
        assert verdict == refusal, (verdict, vars(case))
