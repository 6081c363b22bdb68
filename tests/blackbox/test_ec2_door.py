"""The EC2 door and the instance metadata service as AWS's own tools use them: every action, and the errors that code
acts upon. Nothing sizes this fleet but the test: its policy is `none`."""

import json
import re
import urllib.error
import urllib.request

import boto3
import botocore.session
import pytest
from botocore.exceptions import ClientError
from botocore.utils import InstanceMetadataFetcher
from system import wait_until

CAP = 3
NOBODY = "i-0123456789abcdef0"
FAST = {"Delay": 1, "MaxAttempts": 30}


@pytest.fixture(scope="module")
def system(start_file_system):
    return start_file_system("--workers-max", CAP, "--set", "autoscaler.policy=none", "--set", "fleet.pool=true",
                             ready=False)


@pytest.fixture
def ec2(system):
    """A client; afterwards the pool is as it was at first: stopped, and alone."""
    client = system.boto3("ec2")
    yield client
    extra = [one["InstanceId"] for one in instances(client) if not pooled(one) and live(one)]
    if extra:
        client.terminate_instances(InstanceIds=extra)
        client.get_waiter("instance_terminated").wait(InstanceIds=extra, WaiterConfig=FAST)
    wait_until(lambda: all(state(one) != "pending" for one in instances(client)), 30, "no instance is pending")
    ids = [one["InstanceId"] for one in instances(client) if pooled(one)]
    client.stop_instances(InstanceIds=ids)
    client.get_waiter("instance_stopped").wait(InstanceIds=ids, WaiterConfig=FAST)


@pytest.fixture
def resource(system):
    env = system.credentials
    return boto3.resource("ec2", endpoint_url=env["AWS_ENDPOINT_URL"], region_name=env["AWS_REGION"],
                          aws_access_key_id=env["AWS_ACCESS_KEY_ID"],
                          aws_secret_access_key=env["AWS_SECRET_ACCESS_KEY"])


def tags(instance) -> dict:
    return {tag["Key"]: tag["Value"] for tag in instance.get("Tags", [])}


def name(instance) -> str:
    return tags(instance).get("Name", "")


def state(instance) -> str:
    return instance["State"]["Name"]


def live(instance) -> bool:
    return state(instance) not in ("terminated", "shutting-down") and name(instance) != "web-instance"


def pooled(instance) -> bool:
    return bool(re.fullmatch(f"app-tier-instance-[1-{CAP}]", name(instance))) and live(instance)


def instances(client, *filters, **more) -> list[dict]:
    wanted = [{"Name": key, "Values": [value]} for key, value in filters]
    answer = client.describe_instances(Filters=wanted, **more)
    return [one for group in answer["Reservations"] for one in group["Instances"]]


def ids_of(found) -> list[str]:
    return [one["InstanceId"] for one in found]


def code(call, *arguments, **more) -> str:
    with pytest.raises(ClientError) as error:
        call(*arguments, **more)
    return error.value.response["Error"]["Code"]


def pool(client) -> list[str]:
    return ids_of(sorted((one for one in instances(client) if pooled(one)), key=name))


def test_the_pool_is_there_stopped(ec2):
    stopped = instances(ec2, ("tag:Name", "app-tier-instance-*"), ("instance-state-name", "stopped"))
    assert sorted(map(name, stopped)) == [f"app-tier-instance-{number}" for number in range(1, CAP + 1)]


def test_start_and_stop_as_ec2_does(ec2):
    first, second, third = pool(ec2)
    (change,) = ec2.start_instances(InstanceIds=[first])["StartingInstances"]
    assert change["PreviousState"] == {"Code": 80, "Name": "stopped"}
    assert change["CurrentState"]["Name"] in ("pending", "running")
    ec2.get_waiter("instance_running").wait(InstanceIds=[first], WaiterConfig=FAST)
    (again,) = ec2.start_instances(InstanceIds=[first])["StartingInstances"]
    assert (again["PreviousState"]["Name"], again["CurrentState"]["Name"]) == ("running", "running")
    ec2.get_waiter("instance_status_ok").wait(InstanceIds=[first], WaiterConfig=FAST)
    (change,) = ec2.stop_instances(InstanceIds=[first], Force=True)["StoppingInstances"]
    assert (change["PreviousState"]["Name"], change["CurrentState"]["Name"]) == ("running", "stopping")
    ec2.get_waiter("instance_stopped").wait(InstanceIds=[first], WaiterConfig=FAST)
    (stopped,) = instances(ec2, InstanceIds=[first])
    assert name(stopped) == "app-tier-instance-1"
    assert code(ec2.start_instances, InstanceIds=[second, NOBODY]) == "InvalidInstanceID.NotFound"
    assert state(instances(ec2, InstanceIds=[second])[0]) == "stopped", "a bad id fails the whole call"
    assert code(ec2.stop_instances, InstanceIds=["nonsense"]) == "InvalidInstanceID.Malformed"
    assert code(ec2.start_instances, InstanceIds=[third], DryRun=True) == "DryRunOperation"


def test_the_cap_counts_what_runs_and_not_what_is_stopped(ec2):
    launched = ids_of(ec2.run_instances(ImageId="ami-12345678", MinCount=1, MaxCount=CAP + 5)["Instances"])
    assert len(launched) == CAP
    assert len(pool(ec2)) == CAP
    assert code(ec2.start_instances, InstanceIds=pool(ec2)[:1]) == "InsufficientInstanceCapacity"
    assert code(ec2.run_instances, ImageId="ami-12345678", MinCount=1, MaxCount=1) == "InsufficientInstanceCapacity"
    ec2.terminate_instances(InstanceIds=launched[:1])
    ec2.get_waiter("instance_terminated").wait(InstanceIds=launched[:1], WaiterConfig=FAST)
    for call in (ec2.start_instances, ec2.stop_instances):
        assert code(call, InstanceIds=launched[:1]) == "IncorrectInstanceState"
    ec2.terminate_instances(InstanceIds=launched)  # the first again: as once
    assert code(ec2.terminate_instances, InstanceIds=[launched[1], NOBODY]) == "InvalidInstanceID.NotFound"


def test_a_launch_with_all_that_people_give_it(ec2):
    terms = {"ImageId": "ami-0abcdef0", "InstanceType": "t2.micro", "MinCount": 1, "MaxCount": 1, "KeyName": "key",
             "SecurityGroupIds": ["sg-12345678"], "UserData": "#!/bin/sh\necho hello\n", "ClientToken": "once",
             "IamInstanceProfile": {"Name": "worker"},
             "TagSpecifications": [{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": "mine"},
                                                                         {"Key": "colour", "Value": "red"}]}]}
    (first,) = ec2.run_instances(**terms)["Instances"]
    (again,) = ec2.run_instances(**terms)["Instances"]
    assert (first["InstanceId"], state(first)) == (again["InstanceId"], "pending")
    assert code(ec2.run_instances, **{**terms, "InstanceType": "t2.nano"}) == "IdempotentParameterMismatch"
    (seen,) = instances(ec2, ("tag:colour", "r?d"), ("image-id", "ami-0abcdef0"), ("instance-type", "t2.*"))
    assert (name(seen), seen["InstanceType"]) == ("mine", "t2.micro")
    for wrong, why in [({"MinCount": 0, "MaxCount": 1}, "InvalidParameterValue"),
                       ({"MinCount": 2, "MaxCount": 1}, "InvalidParameterCombination"),
                       ({"ImageId": "nonsense", "MinCount": 1, "MaxCount": 1}, "InvalidAMIID.Malformed"),
                       ({"MinCount": 1, "MaxCount": 1, "DryRun": True}, "DryRunOperation")]:
        assert code(ec2.run_instances, **{"ImageId": "ami-12345678", **wrong}) == why


def test_tags(ec2):
    one, other = pool(ec2)[:2]
    ec2.create_tags(Resources=[one, other], Tags=[{"Key": "colour", "Value": "red"}, {"Key": "empty", "Value": ""}])
    coloured = filter(live, instances(ec2, ("tag-key", "colour")))  # one of an earlier test may be listed still
    assert ids_of(sorted(coloured, key=name)) == [one, other]
    assert ids_of(instances(ec2, ("tag:colour", "RED"))) == [], "values are case-sensitive"
    found = ec2.describe_tags(Filters=[{"Name": "resource-id", "Values": [one]}, {"Name": "key", "Values": ["colour"]}])
    assert found["Tags"] == [{"Key": "colour", "ResourceId": one, "ResourceType": "instance", "Value": "red"}]
    pages = ec2.get_paginator("describe_tags").paginate(PaginationConfig={"PageSize": 5})
    assert len([tag for page in pages for tag in page["Tags"]]) == len(ec2.describe_tags()["Tags"])
    ec2.delete_tags(Resources=[other], Tags=[{"Key": "colour", "Value": "blue"}])
    assert "colour" in tags(instances(ec2, InstanceIds=[other])[0])
    ec2.delete_tags(Resources=[one, other], Tags=[{"Key": "colour"}, {"Key": "empty"}])
    assert not list(filter(live, instances(ec2, ("tag-key", "colour"))))
    many = [{"Key": f"t{number}", "Value": ""} for number in range(51)]
    assert code(ec2.create_tags, Resources=[one], Tags=many) == "TagLimitExceeded"
    assert code(ec2.create_tags, Resources=[NOBODY], Tags=many[:1]) == "InvalidInstanceID.NotFound"
    assert code(ec2.create_tags, Resources=["vol-1"], Tags=many[:1]) == "InvalidID"
    assert code(ec2.create_tags, Resources=[one], Tags=[{"Key": "aws:x", "Value": ""}]) == "InvalidParameterValue"


def test_status(ec2):
    one = pool(ec2)[0]
    assert one not in ids_of(ec2.describe_instance_status()["InstanceStatuses"])
    (status,) = ec2.describe_instance_status(InstanceIds=[one], IncludeAllInstances=True)["InstanceStatuses"]
    assert (status["InstanceState"]["Name"], status["InstanceStatus"]["Status"]) == ("stopped", "not-applicable")


def test_descriptions_page_and_refuse_as_ec2_does(ec2):
    ec2.run_instances(ImageId="ami-12345678", MinCount=CAP, MaxCount=CAP)
    pages = list(ec2.get_paginator("describe_instances").paginate(PaginationConfig={"PageSize": 5}))
    paged = [one["InstanceId"] for page in pages for group in page["Reservations"] for one in group["Instances"]]
    assert len(pages) > 1
    assert sorted(paged) == sorted(ids_of(instances(ec2)))
    for wrong, why in [({"InstanceIds": [NOBODY]}, "InvalidInstanceID.NotFound"),
                       ({"InstanceIds": ["nonsense"]}, "InvalidInstanceID.Malformed"),
                       ({"MaxResults": 4}, "InvalidParameterValue"), ({"MaxResults": 1_001}, "InvalidParameterValue"),
                       ({"MaxResults": 5, "InstanceIds": paged[:1]}, "InvalidParameterCombination"),
                       ({"MaxResults": 5, "NextToken": "nonsense"}, "InvalidParameterValue"),
                       ({"Filters": [{"Name": "colour", "Values": ["red"]}]}, "InvalidParameterValue")]:
        assert code(ec2.describe_instances, **wrong) == why


def test_the_gateway_is_an_instance_that_only_can_be_described(ec2):
    (web,) = instances(ec2, ("tag:Name", "web-instance"))
    assert (state(web), web["PublicIpAddress"]) == ("running", "127.0.0.1")
    for call in (ec2.start_instances, ec2.stop_instances, ec2.terminate_instances):
        assert code(call, InstanceIds=[web["InstanceId"]]) == "OperationNotPermitted"
    assert web["InstanceId"] in ids_of(ec2.describe_instance_status()["InstanceStatuses"])


def test_what_tools_probe(ec2):
    (region,) = ec2.describe_regions()["Regions"]
    assert region["RegionName"] == ec2.meta.region_name
    assert ec2.describe_key_pairs()["KeyPairs"] == []
    assert code(ec2.describe_key_pairs, KeyNames=["key"]) == "InvalidKeyPair.NotFound"
    (image,) = ec2.describe_images(Owners=["self"])["Images"]
    assert ec2.describe_images(ImageIds=[image["ImageId"]])["Images"] == [image]
    assert code(ec2.describe_images, ImageIds=["ami-12345678"]) == "InvalidAMIID.NotFound"
    for call in (ec2.describe_volumes, ec2.describe_vpcs):
        assert code(call) == "InvalidAction"


def test_boto3s_resource(ec2, resource):
    (instance,) = resource.create_instances(ImageId="ami-12345678", MinCount=1, MaxCount=1, InstanceType="t2.micro")
    instance.wait_until_running(WaiterConfig=FAST)
    instance.create_tags(Tags=[{"Key": "colour", "Value": "red"}])
    instance.reload()
    assert {"Key": "colour", "Value": "red"} in instance.tags
    running = resource.instances.filter(Filters=[{"Name": "instance-state-name", "Values": ["running"]}])
    assert instance.id in [one.id for one in running]
    instance.stop()
    instance.wait_until_stopped(WaiterConfig=FAST)
    instance.start()
    instance.wait_until_running(WaiterConfig=FAST)
    instance.terminate()
    instance.wait_until_terminated(WaiterConfig=FAST)
    assert instance.state["Name"] == "terminated"


def test_each_instance_learns_who_it_is(system, ec2):
    """What a worker finds in its environment, botocore's own fetcher and curl can use."""
    one = pool(ec2)[0]
    ec2.start_instances(InstanceIds=[one])
    ec2.get_waiter("instance_running").wait(InstanceIds=[one], WaiterConfig=FAST)
    pid = tags(instances(ec2, InstanceIds=[one])[0])["facefleet:pid"]
    with open(f"/proc/{pid}/environ", "rb") as environ:
        env = dict(entry.split("=", 1) for entry in environ.read().decode().split("\0") if "=" in entry)
    endpoint = env["AWS_EC2_METADATA_SERVICE_ENDPOINT"]

    def ask(path, method="GET", **headers):
        request = urllib.request.Request(f"{endpoint}/latest/{path}", method=method,
                                         headers={key.replace("_", "-"): value for key, value in headers.items()})
        with urllib.request.urlopen(request, timeout=10) as response:
            return response.read().decode()

    token = ask("api/token", "PUT", X_aws_ec2_metadata_token_ttl_seconds="21600")
    assert ask("meta-data/instance-id", X_aws_ec2_metadata_token=token) == one
    assert ask("meta-data/tags/instance/Name", X_aws_ec2_metadata_token=token) == "app-tier-instance-1"
    document = json.loads(ask("dynamic/instance-identity/document", X_aws_ec2_metadata_token=token))
    assert (document["instanceId"], document["region"]) == (one, system.credentials["AWS_REGION"])
    with pytest.raises(urllib.error.HTTPError) as error:
        ask("meta-data/instance-id")
    with error.value:
        assert error.value.code == 401
    with pytest.raises(urllib.error.HTTPError) as error:
        ask("meta-data/spot/instance-action", X_aws_ec2_metadata_token=token)
    with error.value:
        assert error.value.code == 404
    fetcher = InstanceMetadataFetcher(base_url=endpoint + "/", user_agent=botocore.session.Session().user_agent())
    fetched = fetcher.retrieve_iam_role_credentials()
    assert (fetched["access_key"], fetched["secret_key"]) == (system.credentials["AWS_ACCESS_KEY_ID"],
                                                              system.credentials["AWS_SECRET_ACCESS_KEY"])
