"""A system's life: it starts once, says where it is, ends in time, and goes on where it was."""

import json
import os
import stat
import time
from pathlib import Path

from system import PHOTOS, wait_until

PROBE = PHOTOS / "probes" / "Barack_Obama.jpg"


def queue_counts(system, name: str) -> list[int]:
    sqs = system.boto3("sqs")
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible",
             "ApproximateNumberOfMessagesDelayed"]
    found = sqs.get_queue_attributes(QueueUrl=name, AttributeNames=names)["Attributes"]
    return [int(found[name]) for name in names]


def test_a_second_up_on_one_folder_is_refused_with_a_sentence(start_system, binary):
    system = start_system(ready=False)
    second = system.run("up", "--data", system.data, "--listen", "127.0.0.1:0", "--cloud-listen", "127.0.0.1:0")
    assert second.returncode != 0
    assert "already" in second.stderr and str(system.data) in second.stderr
    assert system.get("/healthz").status == 200


def test_sigterm_ends_every_process_within_five_seconds(start_system):
    system = start_system()
    pids = [*system.descendants(), system.process.pid]
    began = time.monotonic()
    assert system.stop() == 0
    assert time.monotonic() - began <= 5.0
    assert not [pid for pid in pids if system.is_ours(pid)]


def test_pids_json_names_every_role_and_workers_descend_from_up(start_system):
    system = start_system()
    system.upload(PROBE)
    pids = wait_until(lambda: system.pids()["workers"] and system.pids(), 10, "a worker is in pids.json")
    assert pids["up"] == system.process.pid
    for role in ("gateway", "autoscaler"):
        words = Path(f"/proc/{pids[role]}/cmdline").read_bytes().split(b"\0")
        assert words[0].endswith(b"facefleet") and words[1] == role.encode()
    for worker in pids["workers"]:
        words = Path(f"/proc/{worker}/cmdline").read_bytes().split(b"\0")
        assert words[0].endswith(b"facefleet") and words[1] == b"worker"
        parent = int(Path(f"/proc/{worker}/stat").read_text().rsplit(")", 1)[1].split()[1])
        assert parent == system.process.pid


def test_cloud_env_is_private_and_env_prints_it_for_a_shell(start_system):
    own = {"AWS_ACCESS_KEY_ID": "AKIDOFMINE", "AWS_SECRET_ACCESS_KEY": "it's a secret"}
    system = start_system(ready=False, environment=own)
    assert stat.S_IMODE(os.stat(system.data / "cloud.env").st_mode) == 0o600
    assert system.credentials["AWS_ACCESS_KEY_ID"] == "AKIDOFMINE"
    assert system.credentials["AWS_ENDPOINT_URL"] == system.cloud_endpoint
    printed = system.run("env", "--data", system.data).stdout
    assert "export AWS_SECRET_ACCESS_KEY='it'\\''s a secret'\n" in printed
    assert f"export AWS_ENDPOINT_URL='{system.cloud_endpoint}'\n" in printed


def test_a_job_that_was_accepted_outlives_a_stop(start_system):
    """No worker may run: the job waits in the queue, the system stops and starts, a worker takes it."""
    held = start_system("--workers-max", "1", ready=False)
    accepted = held.upload(PROBE, path="/v1/recognise?wait=0")
    assert accepted.status == 202
    job = accepted.json()["job_id"]
    held.kill()
    again = start_system(data=held.data)
    done = wait_until(lambda: (answer := again.get(f"/v1/jobs/{job}")).status == 200 and
                      answer.json().get("label"), 60, "the job is done")
    assert done == "unknown"
    wait_until(lambda: queue_counts(again, "facefleet-req-queue") == [0, 0, 0], 10, "the request queue is empty")


def test_workers_leave_when_there_is_nothing_to_do_and_ready_stays(start_system, tmp_path):
    profile = tmp_path / "quick.toml"
    profile.write_text('name = "quick"\n[autoscaler]\nidle_hold_s = 0.3\n')
    system = start_system("--profile", profile)
    system.upload(PROBE)
    wait_until(lambda: system.pids()["workers"] == [], 30, "no worker is left")
    assert system.get("/readyz").status == 200
    assert system.upload(PROBE).status == 200, "a photo wakes the fleet again"


def test_beyond_loopback_without_a_key_is_refused_with_what_to_do(binary, start_system):
    system = start_system(start=False)
    refused = system.run("up", "--data", system.data, "--listen", "0.0.0.0:0", "--cloud-listen", "127.0.0.1:0")
    assert refused.returncode != 0
    assert "key" in refused.stderr and "--open" in refused.stderr
    doors = system.run("up", "--data", system.data, "--listen", "127.0.0.1:0", "--cloud-listen", "0.0.0.0:0")
    assert doors.returncode != 0 and "loopback" in doors.stderr


def test_keys_open_what_their_scopes_say(start_system):
    system = start_system(start=False)
    made = system.run("key", "--data", system.data, "add", "reader", "--scopes", "read")
    reader = made.stdout.strip()
    caller = system.run("key", "--data", system.data, "add", "caller", "--scopes", "recognise").stdout.strip()
    stored = json.loads((system.data / "keys.json").read_text())
    assert reader not in json.dumps(stored) and {key["name"] for key in stored} == {"reader", "caller"}
    system.start()
    assert system.get("/v1/status").status == 401
    assert system.get("/v1/status", headers={"Authorization": f"Bearer {reader}"}).status == 200
    assert system.upload(PROBE, headers={"Authorization": f"Bearer {reader}"}).status == 403
    assert system.upload(PROBE, headers={"Authorization": f"Bearer {caller}"}).status == 200
    assert system.upload(PROBE, headers={"Authorization": "Bearer nobody"}).status == 401
    assert system.get("/healthz").status == 200

    assert system.run("key", "--data", system.data, "remove", "reader").returncode == 0
    wait_until(lambda: system.get("/v1/status", headers={"Authorization": f"Bearer {reader}"}).status == 401, 20,
               "the removed key opens nothing")
    made = system.run("key", "--data", system.data, "add", "second", "--scopes", "read").stdout.strip()
    wait_until(lambda: system.get("/v1/status", headers={"Authorization": f"Bearer {made}"}).status == 200, 20,
               "the new key opens what it should")


def test_workers_that_an_up_left_behind_with_other_settings_leave(start_system):
    system = start_system("--set", "fleet.running_floor=1")
    system.enrol(PHOTOS / "people")
    assert system.upload(PROBE).text.strip().endswith(":Barack_Obama")
    left = system.pids()["workers"]
    system.process.kill()
    system.process.wait()
    again = start_system("--set", "fleet.running_floor=1", "--set", "vision.threshold=0.9", data=system.data)
    wait_until(lambda: not any(again.is_ours(pid) for pid in left), 20, "those with the old settings have left")
    wait_until(lambda: again.pids().get("workers"), 20, "another runs")
    assert again.upload(PROBE).text.strip().endswith(":unknown"), "nobody is so alike"
