"""boto3's SageMaker client against the edge at argv[1] with the key argv[2]. Prints what it got as JSON."""

import json
import sys

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

url, key = sys.argv[1:]


def client(token):
    """The key is the session token of the credentials; the signature is not checked."""
    return boto3.client(
        "sagemaker-runtime",
        endpoint_url=url,
        region_name="eu-west-1",
        aws_access_key_id="spillway",
        aws_secret_access_key="not used",
        aws_session_token=token,
        config=Config(retries={"max_attempts": 1}),
    )


def invoke(body, name="minilm", token=key, **options):
    answer = client(token).invoke_endpoint(EndpointName=name, ContentType="application/json", Body=json.dumps(body), **options)
    return answer, json.loads(answer["Body"].read())


def error(call):
    """Class, status and words of the error that `call` ends in."""
    try:
        call()
    except ClientError as thrown:
        told = thrown.response
        return [told["Error"]["Code"], told["ResponseMetadata"]["HTTPStatusCode"], told["Error"]["Message"]]


ids = [101, 7592, 2088, 102]
answer, texts = invoke({"inputs": ["hello world"]})
print(json.dumps({
    "variant": answer["InvokedProductionVariant"],
    "texts": texts,
    "rows": invoke({"instances": [{"input_ids": ids, "attention_mask": [1] * 4}]})[1],
    "columns": invoke({"inputs": {"input_ids": [ids], "attention_mask": [[1] * 4]}})[1],
    "unknown endpoint": error(lambda: invoke({"inputs": "x"}, name="nope")),
    "another variant": error(lambda: invoke({"inputs": "x"}, TargetVariant="nope")),
    "wrong input": error(lambda: invoke({"instances": [{"nope": 1}]})),
    "wrong key": error(lambda: invoke({"inputs": "x"}, token="pk_wrong")),
}))
