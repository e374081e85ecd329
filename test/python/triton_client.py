"""tritonclient over HTTP against the edge at argv[1] with the key argv[2]. Prints what it got as JSON."""

import json
import sys

import numpy
import tritonclient.http as triton
from tritonclient.utils import InferenceServerException

url, key = sys.argv[1:]
client = triton.InferenceServerClient(url.removeprefix("http://"))


def headers():
    """New ones for each call: the client leaves its own in what it is given."""
    return {"authorization": f"Bearer {key}"}


# [CLS] hello world [SEP], padded
ids = numpy.array([[101, 7592, 2088, 102, 0, 0]], dtype=numpy.int64)
mask = (ids != 0).astype(numpy.int64)


def infer(binary, **options):
    """The model's vector, its tensors sent and asked for as binary or JSON."""
    inputs = []
    for name, array in (("input_ids", ids), ("attention_mask", mask)):
        tensor = triton.InferInput(name, array.shape, "INT64")
        tensor.set_data_from_numpy(array, binary_data=binary)
        inputs.append(tensor)
    outputs = [triton.InferRequestedOutput("sentence_embedding", binary_data=binary)]
    result = client.infer("minilm", inputs, outputs=outputs, headers=headers(), request_id="one", **options)
    return result.get_response()["id"], result.as_numpy("sentence_embedding")[0].tolist()


def message(call):
    """The words of the error that `call` ends in."""
    try:
        call()
    except InferenceServerException as error:
        return str(error)


wrong = triton.InferInput("nope", [1, 2], "INT64")
wrong.set_data_from_numpy(numpy.zeros((1, 2), dtype=numpy.int64))
metadata = client.get_model_metadata("minilm", headers=headers())
print(json.dumps({
    "live": client.is_server_live(headers=headers()),
    "ready": client.is_server_ready(headers=headers()),
    "model ready": client.is_model_ready("minilm", headers=headers()),
    "inputs": [[tensor["name"], tensor["datatype"]] for tensor in metadata["inputs"]],
    "outputs": [[tensor["name"], tensor["datatype"]] for tensor in metadata["outputs"]],
    "binary": infer(True),
    "json": infer(False),
    "gzip": infer(True, request_compression_algorithm="gzip", response_compression_algorithm="gzip"),
    "wrong input": message(lambda: client.infer("minilm", [wrong], headers=headers())),
    "no key": message(lambda: client.infer("minilm", [wrong])),
}))
