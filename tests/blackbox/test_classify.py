"""A system that classifies, from its profile to the answer that its clients compare."""

import json
import subprocess

import pytest

PROFILE = """
name = "classes"

[gateway]
reply = "json_string"
views = true

[jobs]
kind = "classify"
"""


@pytest.fixture(scope="module")
def profile(tmp_path_factory):
    file = tmp_path_factory.mktemp("profile") / "classes.toml"
    file.write_text(PROFILE)
    return file


def test_a_picture_goes_in_and_its_class_comes_out(start_system, profile, photos):
    system = start_system("--profile", profile)
    portrait = photos / "people/Barack_Obama/obama_portrait.jpg"

    answer = system.upload(portrait)
    assert (answer.status, answer.text) == (200, '"suit"')
    assert answer.headers["Content-Type"].startswith("application/json")
    assert system.upload(portrait, headers={"Accept": "text/plain"}).text == "obama_portrait:suit"
    assert system.upload(portrait, photos / "more/solvay_1927.jpg").json() == ["suit", "academic gown"]
    s3 = system.boto3("s3")
    assert s3.get_object(Bucket="facefleet-out-bucket", Key="obama_portrait")["Body"].read() == b"suit"
    assert set(item["Key"] for item in s3.list_objects_v2(Bucket="facefleet-in-bucket")["Contents"]) == {
        "obama_portrait.jpg", "solvay_1927.jpg"}

    outcome = system.upload(portrait, path="/v1/classify?top=3").json()
    assert outcome["label"] == "suit" and [one["name"] for one in outcome["classes"]][0] == "suit"
    scores = [one["score"] for one in outcome["classes"]]
    assert len(scores) == 3 and scores == sorted(scores, reverse=True) and 0.5 < sum(scores) <= 1
    assert outcome["model"].startswith("mobilenet_v2@") and "faces" not in outcome and "gallery" not in outcome
    assert system.get(f"/v1/jobs/{outcome['job_id']}").json()["classes"] == outcome["classes"]

    for path, status, reason in [("/v1/classify?top=0", 400, "bad_parameter"),
                                 ("/v1/recognise", 409, "kind_not_served"),
                                 ("/v1/galleries/default/persons/Ann/photos", 409, "kind_not_served")]:
        refused = system.upload(portrait, path=path)
        assert (refused.status, refused.json()["error"]["reason"]) == (status, reason)
    refused = system.upload(("text.jpg", b"this is not a photo"))
    assert (refused.status, refused.json()["error"]["reason"]) == (415, "not_an_image")


def test_a_system_that_recognises_classifies_nothing(shared_system, photos):
    refused = shared_system.upload(photos / "probes/unknown.jpg", path="/v1/classify")
    assert (refused.status, refused.json()["error"]["reason"]) == (409, "kind_not_served")


def test_the_command_line_says_what_is_in_files(binary, photos):
    done = subprocess.run([binary, "classify", "--json", "--top", "2", photos / "more/solvay_1927.jpg"],
                          capture_output=True, text=True, timeout=60, check=True)
    (outcome,) = json.loads(done.stdout)
    assert outcome["label"] == "academic gown" and len(outcome["classes"]) == 2
    listed = subprocess.run([binary, "models"], capture_output=True, text=True, timeout=60, check=True)
    assert "mobilenet_v2 classifier" in listed.stdout
