"""Who am I, and what is not here: STS, and the refusals of all services that this machine does not have."""

import boto3
import botocore.config
import pytest
from botocore.exceptions import ClientError


def test_who_the_caller_is(cloud, aws):
    told = cloud.boto3("sts").get_caller_identity()
    assert told["Account"] == "000000000000" and told["Arn"].startswith("arn:aws:iam::000000000000:")
    assert told["UserId"] == cloud.credentials["AWS_ACCESS_KEY_ID"]
    assert '"Account": "000000000000"' in aws("sts", "get-caller-identity").stdout


def test_a_wrong_key_and_another_action(cloud):
    with pytest.raises(ClientError) as refused:
        boto3.client("sts", endpoint_url=cloud.cloud_endpoint, region_name="us-east-1", aws_access_key_id="AKOTHER",
                     aws_secret_access_key="x").get_caller_identity()
    assert refused.value.response["Error"]["Code"] == "InvalidClientTokenId"
    with pytest.raises(ClientError) as refused:
        cloud.boto3("sts").get_session_token()
    assert refused.value.response["Error"]["Code"] == "InvalidAction"


ELSEWHERE = [("iam", "list_users", {}), ("autoscaling", "describe_auto_scaling_groups", {}),  # the query form
             ("cloudwatch", "list_metrics", {}),  # CBOR, in boto3 of today
             ("logs", "describe_log_groups", {}), ("kms", "list_keys", {}),  # JSON
             ("lambda", "list_functions", {}), ("route53", "list_hosted_zones", {})]  # REST, in JSON and in XML


@pytest.mark.parametrize("service,operation,parameters", ELSEWHERE, ids=[one[0] for one in ELSEWHERE])
def test_a_service_that_is_not_here_says_so_in_its_own_form(cloud, service, operation, parameters):
    env = cloud.credentials
    client = boto3.client(service, endpoint_url=env["AWS_ENDPOINT_URL"], region_name="us-east-1",
                          aws_access_key_id=env["AWS_ACCESS_KEY_ID"],
                          aws_secret_access_key=env["AWS_SECRET_ACCESS_KEY"],
                          config=botocore.config.Config(retries={"total_max_attempts": 1}))
    with pytest.raises(ClientError) as refused:
        getattr(client, operation)(**parameters)
    error = refused.value.response["Error"]
    assert error["Code"] and "InvalidAction" in error["Code"] or "UnknownOperation" in error["Code"], error
    assert "no service" in error["Message"]
