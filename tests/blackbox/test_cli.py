"""The command line, as somebody meets it who types a command for the first time, or a wrong one."""

import json
import re
import subprocess

import pytest


@pytest.fixture
def facefleet(binary, tmp_path):
    """Runs the program with the given arguments, in a folder of its own."""
    def run(*arguments):
        return subprocess.run([binary, *map(str, arguments)], capture_output=True, text=True, timeout=60, cwd=tmp_path,
                              stdin=subprocess.DEVNULL)
    return run


SUBCOMMANDS = ["up", "gateway", "worker", "autoscaler", "enrol", "gallery", "recognise", "eval", "load", "models",
               "config", "env", "status", "bench", "key", "localcloud", "sim", "classify"]


def test_help_lists_every_subcommand(facefleet):
    shown = facefleet("--help")
    assert shown.returncode == 0
    listed = re.findall(r"^  ([a-z]+) ", shown.stdout.split("Subcommands:")[1], re.MULTILINE)
    assert set(listed) == set(SUBCOMMANDS)


@pytest.mark.parametrize("name", SUBCOMMANDS)
def test_each_subcommand_has_help_and_refuses_an_unknown_flag(facefleet, name):
    shown = facefleet(name, "--help")
    assert shown.returncode == 0 and name in shown.stdout and not shown.stderr
    refused = facefleet(name, "--no-such-flag")
    assert refused.returncode != 0 and len(refused.stderr) < 500, refused.stderr


def test_version(facefleet):
    shown = facefleet("--version")
    assert shown.returncode == 0 and re.fullmatch(r"facefleet \d+\.\d+\.\d+\n", shown.stdout)


def test_nothing_and_nonsense_are_refused(facefleet):
    assert facefleet().returncode != 0
    assert facefleet("no-such-command").returncode != 0


def test_config_explains_every_key_and_where_its_value_is_from(facefleet):
    shown = facefleet("config", "--explain")
    assert shown.returncode == 0
    for key in ["gateway.listen", "cloud.listen", "fleet.workers_max", "worker.lease_s", "retention.photo"]:
        assert key in shown.stdout
    course = facefleet("config", "--explain", "--profile", "course-2025")
    assert re.search(r"fleet\.workers_max\b.*\b15\b", course.stdout) and "course-2025.toml" in course.stdout


def test_an_unknown_key_of_a_profile_is_an_error_with_its_line(facefleet, tmp_path):
    (tmp_path / "own.toml").write_text('name = "own"\n\n[fleet]\nworkers_mx = 3\n')
    refused = facefleet("config", "--explain", "--profile", tmp_path / "own.toml")
    assert refused.returncode != 0 and "workers_mx" in refused.stderr and "4" in refused.stderr


def test_env_without_a_system_says_how_to_start_one(facefleet):
    refused = facefleet("env", "--data", "nowhere")
    assert refused.returncode != 0 and "facefleet up" in refused.stderr and not refused.stdout


@pytest.mark.parametrize("name", ["yunet", "sface"])
def test_models_path_is_that_of_a_file(facefleet, name):
    shown = facefleet("models", "path", name)
    assert shown.returncode == 0
    with open(shown.stdout.strip(), "rb") as file:
        assert file.read(1)


def test_load_says_what_is_wrong_with_its_arguments(facefleet, tmp_path):
    (tmp_path / "empty").mkdir()
    target = ["--num_request", "1", "--url", "http://127.0.0.1:9/"]
    assert "holds no photo" in facefleet("load", *target, "--image_folder", "empty").stderr
    assert facefleet("load", "--num_request", "1", "--image_folder", "empty").returncode != 0
    assert facefleet("load", *target, "--ip_addr", "127.0.0.1", "--image_folder", "empty").returncode != 0
    assert "URL" in facefleet("load", "--num_request", "1", "--url", "ftp://x", "--image_folder", "empty").stderr


def test_load_fails_where_nobody_answers(facefleet, photos):
    done = facefleet("load", "--num_request", "2", "--url", "http://127.0.0.1:9/", "--image_folder", photos / "probes")
    assert done.returncode == 1 and "failed 2" in done.stdout


def test_load_reports_right_and_wrong(shared_system, photos, tmp_path):
    probes = sorted(photos.glob("probes/*.jpg"))
    lines = [f"{probe.stem},{probe.stem}" for probe in probes]
    (tmp_path / "right.csv").write_text("Image,Results\n" + "\n".join(lines) + "\n")
    arguments = ["load", "--num_request", str(2 * len(probes)), "--url", shared_system.url + "/", "--image_folder",
                 photos / "probes", "--print", "--json", tmp_path / "report.json"]
    right = shared_system.run(*arguments, "--prediction_file", tmp_path / "right.csv")
    assert right.returncode == 0, right.stdout + right.stderr
    assert "Barack_Obama.jpg uploaded! Classification result: Barack_Obama\n" in right.stdout
    report = (tmp_path / "report.json").read_text()
    assert f'"right":{2 * len(probes)}' in report and '"wrong":0' in report and '"failed":0' in report

    (tmp_path / "wrong.csv").write_text("\n".join(lines).replace("unknown,unknown", "unknown,somebody") + "\n")
    wrong = shared_system.run(*arguments, "--prediction_file", tmp_path / "wrong.csv")
    assert wrong.returncode == 1 and "expected `somebody`" in wrong.stderr


def test_load_plays_a_trace_and_says_how_far_the_simulator_is(start_system, photos, tmp_path):
    hold = ["--set", "autoscaler.idle_hold_s=0.5"]
    system = start_system(*hold)
    (tmp_path / "own.csv").write_text("arrival_s\n" + "".join(f"{0.1 * number:.1f}\n" for number in range(30)))
    target = ["--url", system.url + "/", "--image_folder", photos / "probes"]
    done = system.run("load", "--trace", tmp_path / "own.csv", *target, *hold, "--json", tmp_path / "report.json")
    assert done.returncode == 0, done.stderr
    assert "own.csv: 30 arrivals in 2.9 s" in done.stdout and "simulated " in done.stdout
    report = json.loads((tmp_path / "report.json").read_text())
    played = report["played"]
    assert report["answered"] == played["arrivals"] == 30 and report["upload_s"] >= 2.9
    for key in ("worker_seconds", "simulated_worker_seconds", "service_s", "p95_s", "peak", "simulated_peak"):
        assert played[key] > 0, key
    refused = system.run("load", "--trace", "crashes", *target)
    assert refused.returncode != 0 and "faults" in refused.stderr


def test_set_changes_any_key_and_says_what_is_wrong(facefleet):
    shown = facefleet("config", "--explain", "--set", "fleet.start_delay_s=2.5", "--set", "gateway.hosts=['a']")
    assert re.search(r"fleet\.start_delay_s = 2\.5 .*from --set\)", shown.stdout)
    assert "key=value" in facefleet("up", "--data", "d", "--set", "fleet.workers_max").stderr
