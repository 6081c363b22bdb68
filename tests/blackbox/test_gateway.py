"""The HTTP API of a whole system, as strangers use it. docs/api.md is what it promises."""

import concurrent.futures
import socket
import threading
import uuid

import pytest
from system import PHOTOS, wait_until

PROBE = PHOTOS / "probes/Barack_Obama.jpg"
STRANGER = PHOTOS / "probes/unknown.jpg"


def refused(answer, status: int, reason: str) -> dict:
    """Checks an error envelope and returns its error."""
    assert answer.status == status, answer.text
    error = answer.json()["error"]
    assert error["reason"] == reason and error["message"] and error["code"], error
    return error


def test_a_photo_goes_in_and_a_name_comes_out(shared_system):
    answer = shared_system.upload(PROBE)
    assert (answer.status, answer.text) == (200, "Barack_Obama:Barack_Obama")
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert shared_system.upload(("test_001.final.jpg", STRANGER.read_bytes())).text == "test_001:unknown"


def test_field_path_and_accept_are_the_clients_to_choose(shared_system):
    for field, path in (("myfile", "/image"), ("file", "/upload"), ("image", "/api/image")):
        assert shared_system.upload(PROBE, field=field, path=path).text == "Barack_Obama:Barack_Obama"
    answer = shared_system.upload(PROBE, headers={"Accept": "application/json"})
    assert answer.json()["label"] == "Barack_Obama"
    assert shared_system.upload(PROBE, STRANGER).text == "Barack_Obama:Barack_Obama\nunknown:unknown\n"


def test_every_face_is_told(shared_system):
    found = shared_system.upload(PHOTOS / "more/solvay_1927.jpg", path="/v1/recognise?matches=1").json()
    assert len(found["faces"]) > 15
    width, height = found["photo"]["width"], found["photo"]["height"]
    for face in found["faces"]:
        box, fraction = face["box"], face["box_normalised"]
        assert box["width"] > 0 and abs(fraction["x"] * width - box["x"]) < 1
        assert abs(fraction["y"] * height - box["y"]) < 1
        assert len(face["landmarks"]) == 5 and len(face["matches"]) == 1
    assert sum(face["main"] for face in found["faces"]) == 1
    assert {"decode", "detect", "embed", "search", "total"} <= set(found["timings_ms"])


def test_a_job_that_is_not_waited_for(shared_system):
    headers = {"Content-Type": "image/jpeg"}
    accepted = shared_system.request("POST", "/v1/recognise?wait=0&name=me.jpg", PROBE.read_bytes(), headers)
    assert accepted.status == 202
    job = accepted.json()["job_id"]
    assert accepted.headers["Location"] == f"/v1/jobs/{job}" and accepted.headers["X-Request-Id"] == job
    done = wait_until(lambda: (answer := shared_system.get(f"/v1/jobs/{job}")).status == 200 and answer.json(), 30,
                      "the job is done")
    assert (done["label"], done["name"]) == ("Barack_Obama", "me.jpg")
    refused(shared_system.get("/v1/jobs/01ARZ3NDEKTSV4RRFFQ69G5FAV"), 404, "no_such_job")


def test_an_idempotency_key_is_one_job(shared_system):
    headers = {"Idempotency-Key": uuid.uuid4().hex}
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: shared_system.upload(PROBE, path="/v1/recognise", headers=headers), range(4)))
    answers.append(shared_system.upload(PROBE, path="/v1/recognise", headers=headers))
    assert {answer.status for answer in answers} == {200}
    assert len({answer.json()["job_id"] for answer in answers}) == 1
    refused(shared_system.upload(STRANGER, path="/v1/recognise", headers=headers), 422, "idempotency_key_reused")


PHOTO = PROBE.read_bytes() if PROBE.exists() else b""
HUGE_HEADER = PHOTO[:2] + bytes.fromhex("ffc0001108c350c35003012200021101031101") + PHOTO[2:200]  # 50,000 x 50,000
BAD = {
    "empty": (b"", "image/jpeg", 400, "empty"),
    "text": (b"this is not a photo", "image/jpeg", 415, "not_an_image"),
    "truncated": (PHOTO[: len(PHOTO) // 2], "image/jpeg", 422, "truncated"),
    "huge": (HUGE_HEADER, "image/jpeg", 413, "too_many_pixels"),
    "30 MB": (b"\xff\xd8" + bytes(30 << 20), "image/jpeg", 413, "photo_too_large"),
    "no boundary": (b"--x\r\n\r\n--x--", "multipart/form-data", 400, "no_boundary"),
    "no file": (b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--x--\r\n',
                "multipart/form-data; boundary=x", 400, "no_file"),
    "NUL in the name": (b'--x\r\nContent-Disposition: form-data; name="a"; filename="../a\0.jpg"\r\n\r\n1\r\n--x--\r\n',
                        "multipart/form-data; boundary=x", 400, "bad_name"),
    "json": (b"{}", "application/json", 400, "unsupported_content_type"),
}


@pytest.mark.parametrize("what", BAD)
def test_bad_input_is_refused_with_a_reason_and_no_worker_dies(shared_system, what):
    body, content_type, status, reason = BAD[what]
    answer = shared_system.request("POST", "/v1/recognise", body, {"Content-Type": content_type})
    refused(answer, status, reason)
    assert shared_system.upload(PROBE).text == "Barack_Obama:Barack_Obama"


def test_text_clients_read_a_sentence(shared_system):
    answer = shared_system.upload(("a.jpg", b"this is not a photo"))
    assert answer.status == 415 and answer.text.endswith("(not_an_image)\n")


def test_a_path_in_a_name_goes_nowhere(shared_system):
    answer = shared_system.upload(("../../etc/passwd.jpg", PHOTO))
    assert answer.text == "passwd:Barack_Obama"


def test_pages_of_other_sites_are_refused(shared_system):
    refused(shared_system.upload(PROBE, path="/v1/recognise", headers={"Origin": "https://evil.example"}), 403,
            "origin_not_allowed")
    refused(shared_system.get("/v1/status", headers={"Host": "evil.example"}), 403, "host_not_allowed")
    assert shared_system.upload(PROBE, headers={"Origin": shared_system.url}).status == 200


def test_a_person_from_enrolment_to_oblivion(shared_system):
    person = "/v1/galleries/visitors/persons/J%C3%BCrgen%20B"
    photo = PHOTOS / "people/Jacinda_Ardern/ardern_2018.jpg"
    assert shared_system.upload(photo, path=f"{person}/photos").status == 201
    again = shared_system.upload(photo, path=f"{person}/photos")
    assert again.status == 200 and again.json()["photos"][0]["status"] == "already_enrolled"
    refused(shared_system.upload(("a.jpg", b"no photo"), path=f"{person}/photos"), 415, "not_an_image")

    probe = PHOTOS / "probes/Jacinda_Ardern.jpg"
    seen = wait_until(lambda: (answer := shared_system.upload(probe, path="/v1/recognise?gallery=visitors").json())[
        "label"] == "Jürgen B" and answer, 10, "workers know the person")
    exported = shared_system.get(f"{person}/export").json()
    assert exported["person"] == "Jürgen B" and len(exported["templates"]) == 1
    assert exported["templates"][0]["embedding_f32_base64"] and exported["templates"][0]["chip_png_base64"]

    deleted = shared_system.request("DELETE", person)
    assert deleted.status == 200 and deleted.json()["outcomes_deleted"] >= 1
    assert shared_system.get(f"/v1/jobs/{seen['job_id']}").status == 404
    assert shared_system.request("DELETE", person).status == 404
    assert shared_system.get("/v1/galleries/visitors/persons").json()["persons"] == []
    assert shared_system.request("DELETE", "/v1/galleries/visitors").status == 200


def test_status_and_metrics_show_the_system(shared_system):
    shared_system.upload(PROBE)
    status = shared_system.get("/v1/status").json()
    assert status["ready"] and set(status["queues"]) == {"request", "response", "dead"}
    assert status["fleet"]["cap"] >= 1 and status["answered"] >= 1
    assert 'facefleet_http_requests_total{route="POST /",status="200"}' in shared_system.get("/metrics").text
    for model in shared_system.get("/v1/models").json()["models"]:
        assert model["licence"] and model["version"]


def test_a_caller_that_leaves_costs_nobody_else_an_answer(shared_system):
    host, port = shared_system.url.removeprefix("http://").split(":")
    head = (f"POST /v1/recognise HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Type: image/jpeg\r\n"
            f"Content-Length: {len(PHOTO)}\r\n\r\n").encode()

    def leave():
        with socket.create_connection((host, int(port))) as connection:
            connection.sendall(head + PHOTO)

    leavers = [threading.Thread(target=leave) for _ in range(10)]
    for leaver in leavers:
        leaver.start()
    assert shared_system.upload(PROBE).text == "Barack_Obama:Barack_Obama"
    for leaver in leavers:
        leaver.join()
    wait_until(lambda: shared_system.get("/v1/status").json()["callers_waiting"] == 0, 30, "nobody is waited for")
