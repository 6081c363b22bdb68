"""AWS's own published vectors for Signature Version 4: our signer makes their signatures, our verifier takes them.

They come out of botocore's source (tools/packages.toml), which `./dev test` fetches.
"""

import pathlib

import pytest
from sigv4_botocore_test import ask

ROOT = pathlib.Path(__file__).resolve().parents[2]
SUITE = ROOT / ".deps" / "aws4_testsuite"
KEYS = {"id": "AKIDEXAMPLE", "secret": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "token": ""}
WALL_MS = 1_440_938_160_000  # 2015-08-30T12:36:00Z
CASES = sorted(path.with_suffix("") for path in SUITE.rglob("*.req"))

# A header that goes on in the next line (obs-fold) is refused before it could be signed: RFC 9112, 5.2.
NOT_HTTP = {"get-header-value-multiline"}


def read(path):
    head, _, body = path.read_bytes().replace(b"\r\n", b"\n").partition(b"\n\n")
    lines = head.decode().split("\n")
    method, target = lines[0].split(" ", 1)
    headers = [line.split(":", 1) for line in lines[1:] if line]
    return {"method": method, "target": target.rsplit(" ", 1)[0], "headers": headers,
            "body": body.hex()}


def test_the_suite_is_there():
    assert len(CASES) >= 30, f"{SUITE} is not there; `python3 tools/fetch.py` fetches it"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_vector(case):
    if case.name in NOT_HTTP:
        pytest.skip("not a message of HTTP/1.1")
    stated = case.with_suffix(".authz").read_text().strip()
    request = read(case.with_suffix(".req"))
    # One case has its token in the signed request alone.
    holder = request if "x-amz-security-token" not in stated else read(case.with_suffix(".sreq"))
    token = next((one for one in holder["headers"] if one[0].lower() == "x-amz-security-token"), None)
    if token and token not in request["headers"]:
        request["headers"].append(token)
    signed = {**request, "headers": [*request["headers"], ["Authorization", stated]]}
    (verdict,) = ask([{"op": "verify", "request": signed, "keys": KEYS, "wall_ms": WALL_MS}])
    assert verdict == "ok"
    unsigned = {**request, "headers": [one for one in request["headers"] if one[0].lower() != "x-amz-date"]}
    keys = {**KEYS, "token": token[1].strip() if token else ""}
    (ours,) = ask([{"op": "sign", "request": unsigned, "keys": keys, "region": "us-east-1",
                    "service": "service", "wall_ms": WALL_MS}])
    assert ours == stated
