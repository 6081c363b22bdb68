"""The course of 2026: outcomes lie in a DynamoDB table, and the same pictures are answered from there."""

import json

import boto3
from system import PHOTOS, wait_until

ID = "1225754101"
PROBES = sorted((PHOTOS / "probes").glob("[A-Z]*_*[a-z].jpg"))[:3]


def test_a_second_run_of_the_same_pictures_is_answered_from_the_table(start_system):
    system = start_system("--profile", "course-2026")
    system.enrol(PHOTOS / "people")
    env = system.credentials
    table = boto3.resource("dynamodb", endpoint_url=env["AWS_ENDPOINT_URL"], region_name="us-west-2",
                           aws_access_key_id=env["AWS_ACCESS_KEY_ID"],
                           aws_secret_access_key=env["AWS_SECRET_ACCESS_KEY"]).Table(f"{ID}-dynamoDB")
    assert table.table_status == "ACTIVE" and table.table_arn.startswith("arn:aws:dynamodb:us-west-2:")
    before = table.scan()["Count"]  # the readiness picture may be there

    def ask():
        return [system.upload((f"test_{number:03}.jpg", probe.read_bytes()), timeout_s=300).text.strip()
                for number, probe in enumerate(PROBES)]

    right = [f"test_{number:03}:{probe.name.split('.')[0]}" for number, probe in enumerate(PROBES)]
    assert ask() == right
    items = wait_until(lambda: (found := table.scan()["Items"]) and len(found) == before + len(PROBES) and found, 20,
                       "each picture has an item")
    assert {right_one.split(":")[1] for right_one in right} <= {json.loads(one["outcome"])["label"] for one in items}

    for one in items:  # whoever changes what is kept sees that it is what answers
        outcome = json.loads(one["outcome"])
        table.put_item(Item={**one, "outcome": json.dumps({**outcome, "label": "From_The_Table"})})
    assert ask() == [f"test_{number:03}:From_The_Table" for number in range(len(PROBES))]

    with table.batch_writer() as batch:
        for one in table.scan()["Items"]:
            batch.delete_item(Key={"id": one["id"]})
    assert ask() == right, "recognised again"
