"""DynamoDB's door, as boto3's client and its Table resource use it."""

import decimal

import boto3
import pytest
from botocore.exceptions import ClientError


@pytest.fixture(scope="module")
def dynamodb(cloud):
    return cloud.boto3("dynamodb")


@pytest.fixture
def table(dynamodb, name):
    dynamodb.create_table(TableName=name, KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
                          AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
                          BillingMode="PAY_PER_REQUEST")
    dynamodb.get_waiter("table_exists").wait(TableName=name)
    yield name
    dynamodb.delete_table(TableName=name)
    dynamodb.get_waiter("table_not_exists").wait(TableName=name)


def code_of(refused):
    return refused.value.response["Error"]["Code"]


def test_a_table(dynamodb, table):
    told = dynamodb.describe_table(TableName=table)["Table"]
    assert told["TableStatus"] == "ACTIVE" and told["ItemCount"] == 0
    assert told["KeySchema"] == [{"AttributeName": "id", "KeyType": "HASH"}]
    assert told["TableArn"].endswith(f":table/{table}")
    assert table in dynamodb.list_tables()["TableNames"]
    with pytest.raises(ClientError) as refused:
        dynamodb.create_table(TableName=table, KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
                              AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
                              BillingMode="PAY_PER_REQUEST")
    assert code_of(refused) == "ResourceInUseException"
    assert isinstance(refused.value, dynamodb.exceptions.ResourceInUseException)


def test_items(dynamodb, table):
    item = {"id": {"S": "a"}, "n": {"N": "1.50"}, "b": {"B": b"\0\1"}, "m": {"M": {"l": {"L": [{"BOOL": True}]}}}}
    assert "Attributes" not in dynamodb.put_item(TableName=table, Item=item, ReturnValues="ALL_OLD")
    got = dynamodb.get_item(TableName=table, Key={"id": {"S": "a"}}, ConsistentRead=True)["Item"]
    assert got == {**item, "n": {"N": "1.5"}}
    assert "Item" not in dynamodb.get_item(TableName=table, Key={"id": {"S": "none"}})
    old = dynamodb.delete_item(TableName=table, Key={"id": {"S": "a"}}, ReturnValues="ALL_OLD")["Attributes"]
    assert old["b"] == {"B": b"\0\1"}
    assert dynamodb.scan(TableName=table)["Count"] == 0


def test_a_scan_pages(dynamodb, table):
    for first in range(0, 40, 20):
        dynamodb.batch_write_item(RequestItems={table: [{"PutRequest": {"Item": {"id": {"S": f"k{i}"}}}}
                                                        for i in range(first, first + 20)]})
    pages = list(dynamodb.get_paginator("scan").paginate(TableName=table, PaginationConfig={"PageSize": 7}))
    assert len(pages) == 6
    assert {item["id"]["S"] for page in pages for item in page["Items"]} == {f"k{i}" for i in range(40)}
    assert dynamodb.scan(TableName=table, Select="COUNT")["Count"] == 40
    got = dynamodb.batch_get_item(RequestItems={table: {"Keys": [{"id": {"S": "k1"}}, {"id": {"S": "none"}}]}})
    assert got["Responses"][table] == [{"id": {"S": "k1"}}]


def test_the_table_resource_as_a_course_client_uses_it(cloud, table):
    env = cloud.credentials
    resource = boto3.resource("dynamodb", endpoint_url=env["AWS_ENDPOINT_URL"], region_name="us-west-2",
                              aws_access_key_id=env["AWS_ACCESS_KEY_ID"],
                              aws_secret_access_key=env["AWS_SECRET_ACCESS_KEY"]).Table(table)
    with resource.batch_writer() as batch:
        for i in range(60):
            batch.put_item(Item={"id": f"test_{i:03}", "label": "Paul", "score": decimal.Decimal("0.75")})
    items = resource.scan()["Items"]
    assert len(items) == 60 and items[0]["score"] == decimal.Decimal("0.75")
    keys = [key["AttributeName"] for key in resource.key_schema]
    with resource.batch_writer() as batch:
        for item in items:
            batch.delete_item(Key={key: item[key] for key in keys})
    assert resource.scan()["Count"] == 0


def test_errors(dynamodb, table):
    cases = [
        (dynamodb.describe_table, {"TableName": "none"}, "ResourceNotFoundException"),
        (dynamodb.put_item, {"TableName": "none", "Item": {"id": {"S": "a"}}}, "ResourceNotFoundException"),
        (dynamodb.put_item, {"TableName": table, "Item": {"x": {"S": "a"}}}, "ValidationException"),
        (dynamodb.put_item, {"TableName": table, "Item": {"id": {"S": ""}}}, "ValidationException"),
        (dynamodb.put_item, {"TableName": table, "Item": {"id": {"S": "a"}, "x": {"S": "x" * 410_000}}},
         "ValidationException"),
        (dynamodb.get_item, {"TableName": table, "Key": {"id": {"N": "1"}}}, "ValidationException"),
        (dynamodb.scan, {"TableName": table, "FilterExpression": "id = :a",
                         "ExpressionAttributeValues": {":a": {"S": "a"}}}, "ValidationException"),
        (dynamodb.batch_write_item, {"RequestItems": {table: [{"PutRequest": {"Item": {"id": {"S": "a"}}}}] * 2}},
         "ValidationException"),
        (dynamodb.batch_write_item, {"RequestItems": {table: [{"PutRequest": {"Item": {"id": {"S": str(i)}}}}
                                                              for i in range(26)]}}, "ValidationException"),
        (dynamodb.query, {"TableName": table, "KeyConditionExpression": "id = :a"}, "UnknownOperationException"),
    ]
    for call, parameters, code in cases:
        with pytest.raises(ClientError) as refused:
            call(**parameters)
        assert code_of(refused) == code, parameters
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
        assert refused.value.response["Error"]["Message"]


def test_a_wrong_key_is_refused_in_its_words(cloud):
    stranger = boto3.client("dynamodb", endpoint_url=cloud.cloud_endpoint, region_name="us-west-2",
                            aws_access_key_id="AKOTHER", aws_secret_access_key="x")
    with pytest.raises(ClientError) as refused:
        stranger.list_tables()
    assert code_of(refused) == "UnrecognizedClientException"


def test_answers_carry_their_crc32(dynamodb, table):
    # boto3 compares it with the body, and tries again where it is another.
    headers = dynamodb.describe_table(TableName=table)["ResponseMetadata"]["HTTPHeaders"]
    assert headers["x-amz-crc32"].isdigit()
