"""The profiles that reproduce earlier systems, each driven by its own client while an AWS SDK watches."""

import concurrent.futures
import dataclasses
import itertools
import json
from collections.abc import Callable

import pytest
from browsers import open_page
from replies import bare, by_file, by_stem, json_string
from system import PHOTOS
from watcher import Watcher, assert_queues_empty, keys_of

REQUESTS = 100
PROBES = sorted((PHOTOS / "probes").glob("[A-Z]*_*[a-z].jpg"))

# Long waits of the profiles, shortened: what they are is tested elsewhere, that they are obeyed is not their length's.
QUICK = ["fleet.start_delay_s=0.5", "autoscaler.tick_s=0.15"]


@dataclasses.dataclass
class Client:
    """How an earlier system was used, and what was seen of it."""

    profile: str
    cap: int
    reply: Callable[[str, str], str]
    id: str
    field: str = "inputFile"
    path: str = "/"
    classifies: bool = False
    instances: str = "app-tier-instance-*"
    pool: int = 0  # stopped instances before and after
    queues: tuple[str, str] = ("{id}-req-queue", "{id}-resp-queue")
    buckets: tuple[str, str] = ("{id}-in-bucket", "{id}-out-bucket")
    settings: tuple[str, ...] = ()

    def named(self, names: tuple[str, str]) -> list[str]:
        return [name.format(id=self.id) for name in names]


CLIENTS = [
    Client("s0-stopped-pool-20", 20, bare, "s0", pool=20),
    Client("s1-difference-19", 19, by_file, "s1", pool=19, settings=("worker.idle_poll_s=0.5",)),
    Client("s3-name-only-15", 15, by_stem, "s3", pool=15, settings=("autoscaler.idle_hold_s=2",)),
    Client("s4-classify-20", 20, json_string, "s4", field="myfile", classifies=True, instances="app-instance*",
           queues=("sqs_input_queue", "sqs_output_queue"), buckets=("project1inputimages", "project1output")),
    Client("course-2021", 20, bare, "1225754101", field="myfile", path="/api/image", classifies=True,
           settings=("autoscaler.idle_hold_s=2",)),
    Client("course-2024", 20, by_stem, "1225754101", settings=("autoscaler.idle_hold_s=2",)),
]


def photos_of() -> list[tuple[str, bytes]]:
    """A hundred uploads, no two of one name."""
    photos = itertools.cycle(probe.read_bytes() for probe in PROBES)
    return [(f"test_{number:03}.jpg", next(photos)) for number in range(REQUESTS)]


def labels_of(client: Client, system) -> list[str]:
    labels = [probe.name.split(".")[0] for probe in PROBES]
    if client.classifies:  # what the same model says without any of the tiers
        told = json.loads(system.run("classify", "--json", "--profile", client.profile, *PROBES).stdout)
        labels = [outcome["label"] for outcome in told]
    return list(itertools.islice(itertools.cycle(labels), REQUESTS))


def begin(client: Client, start_system):
    """The system with a watcher that has seen its fleet at rest."""
    settings = itertools.chain.from_iterable(("--set", setting) for setting in (*QUICK, *client.settings))
    system = start_system("--profile", client.profile, *settings)
    if not client.classifies:
        system.enrol(PHOTOS / "people")
    watcher = Watcher(system, client.named(client.queues)[0], client.instances)
    watcher.wait_for_none()
    watcher.wait_for("stopped", client.pool)
    watcher.start()
    return system, watcher


def end(client: Client, system, watcher: Watcher, photos, labels) -> None:
    watcher.wait_for_none()
    watcher.wait_for("stopped", client.pool)
    watcher.stop()
    watcher.assert_elastic(client.cap)
    assert_queues_empty(system, *client.named(client.queues))
    into, out = client.named(client.buckets)
    assert keys_of(system, into) == {name for name, _ in photos}
    assert keys_of(system, out) == {name.split(".")[0] for name, _ in photos}
    s3 = system.boto3("s3")
    assert s3.get_object(Bucket=into, Key=photos[7][0])["Body"].read() == photos[7][1]
    assert s3.get_object(Bucket=out, Key=photos[7][0].split(".")[0])["Body"].read().decode() == labels[7]


@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.profile)
def test_a_hundred_at_once_are_answered_as_that_system_did(start_system, client):
    system, watcher = begin(client, start_system)
    photos, labels = photos_of(), labels_of(client, system)

    def ask(photo: tuple[str, bytes]) -> str:
        return system.upload(photo, path=client.path, field=client.field, timeout_s=300).text

    with concurrent.futures.ThreadPoolExecutor(REQUESTS) as pool:
        answers = list(pool.map(ask, photos))
    assert answers == [client.reply(name, label) for (name, _), label in zip(photos, labels, strict=True)]
    end(client, system, watcher, photos, labels)
    assert system.request("POST", "/v1/admin/purge", b"").status == 200
    assert [keys_of(system, bucket) for bucket in client.named(client.buckets)] == [set(), set()]


def test_a_browser_page_uploads_a_hundred_and_shows_each_prediction(start_system, tmp_path):
    client = Client("s2-self-terminating-19", 19, bare, "s2")
    system, watcher = begin(client, start_system)
    photos, labels = photos_of(), labels_of(client, system)
    for name, photo in photos:
        (tmp_path / name).write_bytes(photo)
    with open_page(system.url) as page:
        page.set_input_files("#files", [tmp_path / name for name, _ in photos])
        page.locator(".card.done").nth(REQUESTS - 1).wait_for(timeout=60_000)
        shown = page.evaluate("Object.fromEntries(Array.from(document.querySelectorAll('.card'), (card) => "
                              "[card.querySelector('.name').textContent, card.querySelector('.label').textContent]))")
    assert shown == {name: label for (name, _), label in zip(photos, labels, strict=True)}
    end(client, system, watcher, photos, labels)


def test_a_picture_that_no_message_holds_is_refused(start_system):
    system = start_system("--profile", "s0-stopped-pool-20", ready=False)
    large = b"\xff\xd8" + bytes(800_000)
    refused = system.upload(("large.jpg", large))
    assert refused.status == 413 and "(message_too_large)" in refused.text


def test_a_queue_of_names_takes_no_picture(start_system):
    system = start_system("--profile", "s3-name-only-15", ready=False)
    sqs = system.boto3("sqs")
    attributes = sqs.get_queue_attributes(QueueUrl="s3-req-queue", AttributeNames=["MaximumMessageSize"])["Attributes"]
    assert attributes == {"MaximumMessageSize": "1024"}
    with pytest.raises(sqs.exceptions.ClientError) as refused:
        sqs.send_message(QueueUrl="s3-req-queue", MessageBody="x" * 1025)
    assert refused.value.response["Error"]["Code"] == "InvalidParameterValue"
    assert "1024 bytes" in refused.value.response["Error"]["Message"]
