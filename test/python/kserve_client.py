"""KServe's own client against the edge at argv[1] with the key argv[2], in versions 1 and 2 of its protocol. Prints what it got as JSON."""

import asyncio
import json
import sys

import numpy
from httpx import HTTPStatusError
from kserve import InferenceRESTClient, InferInput, InferRequest, RESTConfig

url, key = sys.argv[1:]
headers = {"authorization": f"Bearer {key}"}

# [CLS] hello world [SEP], padded
ids = numpy.array([[101, 7592, 2088, 102, 0, 0]], dtype=numpy.int64)
inputs = {"input_ids": ids, "attention_mask": (ids != 0).astype(numpy.int64)}
rows = {"instances": [{name: array[0].tolist() for name, array in inputs.items()}]}


def request(binary):
    """The inputs in version 2's form."""
    tensors = []
    for name, array in inputs.items():
        tensor = InferInput(name, list(array.shape), "INT64")
        tensor.set_data_from_numpy(array, binary_data=binary)
        tensors.append(tensor)
    return InferRequest(model_name="minilm", infer_inputs=tensors)


async def refused(call):
    """The status of the error that `call` ends in, and its words."""
    try:
        await call
    except HTTPStatusError as error:
        return [error.response.status_code, str(error)]


async def main():
    """Asks for the same vector in each form."""
    v1 = InferenceRESTClient(RESTConfig(protocol="v1"))
    v2 = InferenceRESTClient(RESTConfig(protocol="v2"))
    vector = lambda answer: answer.outputs[0].as_numpy()[0].tolist()
    return {
        "ready": [await client.is_model_ready(url, "minilm") for client in (v1, v2)],
        "v1": (await v1.infer(url, rows, "minilm", headers=headers))["predictions"][0],
        "v2 JSON": vector(await v2.infer(url, request(False), "minilm", headers=headers)),
        "v2 binary": vector(await v2.infer(url, request(True), "minilm", headers=headers)),
        "unknown model": await refused(v1.infer(url, rows, "nope", headers=headers)),
        "wrong input": await refused(v1.infer(url, {"instances": [{"nope": 1}]}, "minilm", headers=headers)),
        "no key": await refused(v1.infer(url, rows, "minilm")),
    }


print(json.dumps(asyncio.run(main())))
