"""The course's client of 2025, watched by an AWS SDK as its grader does."""

import concurrent.futures
import time

from system import PHOTOS
from watcher import Watcher, assert_queues_empty, keys_of

ID = "1225754101"
CAP = 15
REQUESTS = 100
PROBES = sorted((PHOTOS / "probes").glob("[A-Z]*_*[a-z].jpg"))


def test_a_hundred_at_once_fill_the_fleet_and_empty_it(start_system):
    system = start_system("--profile", "course-2025")
    system.enrol(PHOTOS / "people")
    watcher = Watcher(system, f"{ID}-req-queue")
    watcher.wait_for_none()
    watcher.start()

    def ask(number: int):
        probe = PROBES[number % len(PROBES)]
        name = f"test_{number:03}.jpg"
        answer = system.upload((name, probe.read_bytes()), timeout_s=300)
        expected = f"test_{number:03}:{probe.name.split('.')[0]}"
        assert answer.headers["Content-Type"].startswith("text/plain")
        return answer.text.strip() == expected or (answer.text, expected)

    with concurrent.futures.ThreadPoolExecutor(REQUESTS) as pool:
        answers = list(pool.map(ask, range(REQUESTS)))
    answered = time.monotonic()
    assert [bad for bad in answers if bad is not True] == []
    watcher.wait_for_none()
    assert time.monotonic() - answered >= 2, "instances stay for a while after their last job"
    watcher.stop()
    watcher.assert_elastic(CAP)

    assert keys_of(system, f"{ID}-in-bucket") == {f"test_{number:03}.jpg" for number in range(REQUESTS)}
    assert keys_of(system, f"{ID}-out-bucket") == {f"test_{number:03}" for number in range(REQUESTS)}
    label = system.boto3("s3").get_object(Bucket=f"{ID}-out-bucket", Key="test_000")["Body"].read().decode()
    assert label == PROBES[0].name.split(".")[0]
    assert_queues_empty(system, f"{ID}-req-queue", f"{ID}-resp-queue")


def test_two_callers_with_one_name_each_get_their_own_answer(start_system):
    system = start_system("--profile", "course-2025", ready=False)
    system.enrol(PHOTOS / "people")
    pairs = [(probe.name.split(".")[0], probe.read_bytes()) for probe in PROBES]

    def ask(number: int):
        person, photo = pairs[number % len(pairs)]
        return person, system.upload(("same.jpg", photo), timeout_s=300).text.strip()

    with concurrent.futures.ThreadPoolExecutor(30) as pool:
        for person, answer in pool.map(ask, range(30)):
            assert answer == f"same:{person}"


def test_purge_empties_queues_and_buckets(start_system):
    system = start_system("--profile", "course-2025", ready=False)
    assert system.upload(PROBES[0], timeout_s=300).status == 200
    assert system.request("POST", "/v1/admin/purge", b"").status in (200, 204)
    s3 = system.boto3("s3")
    for bucket in (f"{ID}-in-bucket", f"{ID}-out-bucket"):
        assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0
