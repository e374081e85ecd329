"""tritonclient over gRPC against the edge at argv[1] (host:port) with the key argv[2]. Prints what it got as JSON."""

import json
import queue
import sys

import numpy
import tritonclient.grpc as triton
from tritonclient.utils import InferenceServerException

address, key = sys.argv[1:]
client = triton.InferenceServerClient(address)
headers = {"authorization": f"Bearer {key}"}

# [CLS] hello world [SEP], padded
ids = numpy.array([[101, 7592, 2088, 102, 0, 0]], dtype=numpy.int64)
mask = (ids != 0).astype(numpy.int64)


def tensors():
    """The model's inputs; the client sends them as raw contents."""
    inputs = []
    for name, array in (("input_ids", ids), ("attention_mask", mask)):
        tensor = triton.InferInput(name, array.shape, "INT64")
        tensor.set_data_from_numpy(array)
        inputs.append(tensor)
    return inputs


def infer(**options):
    """The model's vector."""
    outputs = [triton.InferRequestedOutput("sentence_embedding")]
    result = client.infer("minilm", tensors(), outputs=outputs, headers=headers, request_id="one", **options)
    return result.get_response().id, result.as_numpy("sentence_embedding")[0].tolist()


def error(call):
    """Status and words of the error that `call` ends in."""
    try:
        call()
    except InferenceServerException as refused:
        return [refused.status(), refused.message()]


def stream():
    """What two requests of a stream are answered with, of which one is for a model that is not there."""
    answers = queue.Queue()
    client.start_stream(lambda result, error: answers.put((result, error)), headers=headers)
    client.async_stream_infer("minilm", tensors(), request_id="first")
    client.async_stream_infer("nope", tensors(), request_id="second")
    (first, _), (_, refused) = answers.get(timeout=30), answers.get(timeout=30)
    client.stop_stream()
    return [first.get_response().id, first.as_numpy("sentence_embedding")[0].tolist(), refused.message()]


wrong = triton.InferInput("nope", [1, 2], "INT64")
wrong.set_data_from_numpy(numpy.zeros((1, 2), dtype=numpy.int64))
metadata = client.get_model_metadata("minilm")
print(json.dumps({
    "live": client.is_server_live(),
    "ready": client.is_server_ready(),
    "model ready": client.is_model_ready("minilm"),
    "server": client.get_server_metadata().name,
    "inputs": [[tensor.name, tensor.datatype] for tensor in metadata.inputs],
    "outputs": [[tensor.name, tensor.datatype] for tensor in metadata.outputs],
    "plain": infer(),
    "gzip": infer(compression_algorithm="gzip"),
    "deflate": infer(compression_algorithm="deflate"),
    "in time": infer(client_timeout=20),
    "stream": stream(),
    "wrong input": error(lambda: client.infer("minilm", [wrong], headers=headers)),
    "no key": error(lambda: client.infer("minilm", tensors())),
    "unknown model": error(lambda: client.infer("nope", tensors(), headers=headers)),
}))
