"""The README's commands, as they are written there, typed into a shell."""

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from system import BINARY, ROOT, without_aws


def commands(heading: str) -> list[str]:
    """The indented lines of a section of the README."""
    section = (ROOT / "README.md").read_text().split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return [line.strip() for line in section.splitlines() if line.startswith("    ")]


@pytest.fixture
def shell(start_system, tmp_path):
    """A function that types lines into bash, beside a built checkout whose system runs; what each of them printed."""
    system = start_system("--set", "fleet.running_floor=1")
    (tmp_path / "build/release").mkdir(parents=True)
    (tmp_path / "build/release/facefleet").symlink_to(BINARY)
    (tmp_path / "photos/more").mkdir(parents=True)
    for name in ("a.jpg", "more/b.jpg"):
        (tmp_path / "photos" / name).write_bytes(name.encode() * 1000)
    told = without_aws()
    told |= {"FACEFLEET_DATA": str(system.data),
             "PATH": f"{tmp_path}/build/release:{Path(sys.executable).parent}:{os.environ['PATH']}"}

    def type_in(lines: list[str]) -> list[str]:
        script = "set -e\n" + "".join(f"{line}\necho \x1e\n" for line in lines)
        done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=100, cwd=tmp_path,
                              env=told, stdin=subprocess.DEVNULL, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.split("\x1e\n")[:-1]

    type_in.system = system
    return type_in


def test_watching_it_with_the_aws_tools(shell):
    lines = commands("Watching it with the AWS tools")
    printed = dict(zip(lines, shell(lines), strict=True))
    assert len(lines) >= 9

    def of(start: str) -> str:
        return next(text for line, text in printed.items() if line.startswith(start))

    assert "ApproximateNumberOfMessages" in json.loads(of("aws sqs get-queue-attributes"))["Attributes"]
    assert of("aws sqs purge-queue") == ""
    instances = [one for group in json.loads(of("aws ec2 describe-instances"))["Reservations"]
                 for one in group["Instances"]]
    assert {tag["Value"] for one in instances for tag in one["Tags"] if tag["Key"] == "Name"} == {"app-tier-instance-1"}
    assert of("aws s3 sync").count("upload: ") == 2
    assert of("aws s3 rm").count("delete: ") == 2
    assert "Contents" not in shell.system.boto3("s3").list_objects_v2(Bucket="my-bucket")
    with pytest.raises(urllib.error.HTTPError) as gone:  # the link is good, its object removed
        urllib.request.urlopen(of("aws s3 presign").strip())
    assert gone.value.code == 404
    assert json.loads(of("aws sts get-caller-identity"))["Arn"].startswith("arn:aws:")
