"""Enrolment and galleries from the command line: through a running system, and in the folder of one that is down."""

import base64
import json
import shutil
import time
import zipfile
from pathlib import Path

import pytest


def rows(table: str) -> dict[str, int]:
    """The lines `what … count` that enrol prints."""
    return {what.strip(): int(count) for what, count in (line.rsplit(maxsplit=1) for line in table.splitlines())}


def report_of(file: Path) -> dict[str, dict]:
    return {line["photo"]: line for line in map(json.loads, file.read_text().splitlines())}


@pytest.fixture
def people(photos, tmp_path) -> Path:
    """Known persons, with a few files among them that are no photo of theirs."""
    folder = tmp_path / "people"
    shutil.copytree(photos / "people", folder)
    portrait = folder / "Barack_Obama" / "obama.jpg"
    shutil.copy(portrait, folder / "Barack_Obama" / "same-again.jpg")
    shutil.copy(portrait, folder / "whose.jpg")
    (folder / "Joe_Biden" / "notes.txt").write_text("buy milk")
    (folder / "Joe_Biden" / "cut.jpg").write_bytes(portrait.read_bytes()[:20_000])
    return folder


REJECTED = {"Barack_Obama/same-again.jpg": "duplicate", "whose.jpg": "no_label", "Joe_Biden/notes.txt": "not_an_image",
            "Joe_Biden/cut.jpg": "truncated"}


def check_first_run(done, report: Path) -> None:
    assert done.returncode == 0, done.stdout + done.stderr
    assert rows(done.stdout) == {"enrolled": 5, "already enrolled": 0,
                                 **{f"rejected: {reason}": 1 for reason in REJECTED.values()}}
    lines = report_of(report)
    assert {photo: line["reason"] for photo, line in lines.items() if line["status"] == "rejected"} == REJECTED
    assert all(line["message"] for line in lines.values() if line["status"] == "rejected")
    assert sum(line["status"] == "enrolled" for line in lines.values()) == 5


def test_a_folder_through_a_running_system_twice(start_system, people, tmp_path):
    system = start_system()
    command = ["enrol", people, "--url", system.url, "--gallery", "team", "--report", tmp_path / "report.jsonl"]
    check_first_run(system.run(*command), tmp_path / "report.jsonl")
    again = system.run(*command)
    assert again.returncode == 0 and rows(again.stdout)["already enrolled"] == 5 and rows(again.stdout)["enrolled"] == 0

    shown = system.run("gallery", "show", "team", "--url", system.url).stdout
    assert [line.split() for line in shown.splitlines()[1:]] == [
        ["2", "Barack_Obama"], ["1", "Emmanuel_Macron"], ["1", "Jacinda_Ardern"], ["1", "Joe_Biden"]]


def test_a_system_that_is_down_then_up(start_system, people, photos, tmp_path):
    system = start_system(start=False)
    command = ["enrol", people, "--data", system.data, "--report", tmp_path / "report.jsonl"]
    check_first_run(system.run(*command), tmp_path / "report.jsonl")
    again = system.run(*command)
    assert again.returncode == 0 and rows(again.stdout)["already enrolled"] == 5

    system.start()
    assert system.upload(photos / "probes" / "Barack_Obama.jpg").text == "Barack_Obama:Barack_Obama"
    refused = system.run(*command)
    assert refused.returncode == 1 and "leave --data out" in refused.stderr and "Traceback" not in refused.stderr
    for verb in (["list"], ["show", "default"]):
        assert system.run("gallery", *verb, "--data", system.data).returncode == 1
        assert system.run("gallery", *verb, "--url", system.url).returncode == 0


def test_a_zip_file_with_labels(shared_system, photos, tmp_path):
    with zipfile.ZipFile(tmp_path / "faces.zip", "w") as archive:
        archive.write(photos / "people" / "Joe_Biden" / "biden.jpg", "faces/test_000.jpg")
        archive.write(photos / "people" / "Barack_Obama" / "obama.jpg", "faces/test_001.jpg")
        archive.writestr("faces/test_002.jpg", b"")
    (tmp_path / "labels.csv").write_text("Image,Results\ntest_000,Joe\ntest_001,Barack\n")
    done = shared_system.run("enrol", tmp_path / "faces.zip", "--labels", tmp_path / "labels.csv", "--gallery", "zip",
                             "--url", shared_system.url)
    assert done.returncode == 0 and rows(done.stdout) == {"enrolled": 2, "already enrolled": 0, "rejected: no_label": 1}
    shown = shared_system.run("gallery", "show", "zip", "--url", shared_system.url).stdout
    assert [line.split()[1] for line in shown.splitlines()[1:]] == ["Barack", "Joe"]


def test_what_is_wrong_is_said(shared_system, photos, tmp_path):
    people = photos / "people"
    nobody = shared_system.run("enrol", people, "--url", "http://127.0.0.1:9")
    assert nobody.returncode == 1 and "facefleet up" in nobody.stderr
    name = shared_system.run("enrol", people, "--url", shared_system.url, "--gallery", "A Team")
    assert name.returncode != 0 and "a-z" in name.stderr
    assert shared_system.run("enrol", tmp_path / "nothing", "--url", shared_system.url).returncode != 0
    (tmp_path / "empty").mkdir()
    assert shared_system.run("enrol", tmp_path / "empty", "--url", shared_system.url).returncode == 1
    for verb in (["show"], ["delete"], ["export"]):
        missing = shared_system.run("gallery", *verb, "nobodys", "--url", shared_system.url)
        assert missing.returncode == 1 and "nobodys" in missing.stderr


def holders(folder: Path, *needles: bytes) -> list[Path]:
    return [file for file in folder.rglob("*") if file.is_file() and file.name != "log"
            and any(needle in file.read_bytes() for needle in needles)]


def test_export_and_delete_leave_no_byte(start_system, photos, tmp_path):
    system = start_system()
    system.enrol(photos / "people")
    exported = system.run("gallery", "export", "default", "Joe_Biden", "--url", system.url, "--out",
                          tmp_path / "joe.jsonl")
    assert exported.returncode == 0 and not exported.stdout
    line = json.loads((tmp_path / "joe.jsonl").read_text())
    embedding, chip = base64.b64decode(line["embedding_f32_base64"]), base64.b64decode(line["chip_png_base64"])
    assert line["person"] == "Joe_Biden" and line["source"] == "biden.jpg" and len(embedding) == 4 * 128
    assert chip.startswith(b"\x89PNG")
    everybody = system.run("gallery", "export", "default", "--url", system.url).stdout.splitlines()
    assert len(everybody) == 5 and json.loads(everybody[-1]) == line

    needles = (b"Joe_Biden", embedding, chip[-1000:])
    assert holders(system.data, *needles)
    deleted = system.run("gallery", "delete", "default", "Joe_Biden", "--url", system.url)
    assert deleted.returncode == 0
    # Each process drops its own files when it next looks, and the database erases what was deleted within a second.
    system.upload(photos / "probes" / "Barack_Obama.jpg")
    deadline = time.monotonic() + 15
    while (left := holders(system.data, *needles)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not left
    assert system.run("gallery", "delete", "default", "Joe_Biden", "--url", system.url).returncode == 1

    assert system.run("gallery", "delete", "default", "--url", system.url).returncode == 0
    assert len(system.run("gallery", "list", "--url", system.url).stdout.splitlines()) == 1  # the heading
