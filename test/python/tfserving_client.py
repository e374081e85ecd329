"""min-tfs-client over gRPC against the port argv[2] of the edge at argv[1], with the key argv[3]; TensorFlow Serving's REST beside it.

Prints what it got as JSON.
"""

import json
import sys
import urllib.request
from urllib.parse import urlsplit

import grpc
import numpy
from min_tfs_client.requests import TensorServingClient
from min_tfs_client.tensors import tensor_proto_to_ndarray
from tensorflow_serving.apis.get_model_metadata_pb2 import GetModelMetadataRequest, SignatureDefMap
from tensorflow_serving.apis.get_model_status_pb2 import GetModelStatusRequest
from tensorflow_serving.apis.model_service_pb2_grpc import ModelServiceStub
from tensorflow_serving.apis.prediction_service_pb2_grpc import PredictionServiceStub

url, port, key = sys.argv[1:]


class WithKey(grpc.UnaryUnaryClientInterceptor):
    """Adds the key to each call: the client has no setting for it."""

    def intercept_unary_unary(self, continuation, details, request):
        details = details._replace(metadata=[*(details.metadata or []), ("authorization", f"Bearer {key}")])
        return continuation(details, request)


client = TensorServingClient(urlsplit(url).hostname, int(port))
bare = client._channel
client._channel = grpc.intercept_channel(bare, WithKey())

# [CLS] hello world [SEP], padded
ids = numpy.array([[101, 7592, 2088, 102, 0, 0]], dtype=numpy.int64)
inputs = {"input_ids": ids, "attention_mask": (ids != 0).astype(numpy.int64)}


def code(call):
    """The name of the status that `call` ends in, and its words."""
    try:
        call()
    except grpc.RpcError as error:
        return [error.code().name, error.details()]


def rest(body):
    """The first prediction of the REST interface."""
    request = urllib.request.Request(
        f"{url}/v1/models/minilm:predict",
        json.dumps(body).encode(),
        {"authorization": f"Bearer {key}", "content-type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as response:
        return json.load(response)


answer = client.predict_request("minilm", inputs, timeout=30)
metadata_request = GetModelMetadataRequest(metadata_field=["signature_def"])
metadata_request.model_spec.name = "minilm"
metadata = PredictionServiceStub(bare).GetModelMetadata(metadata_request, timeout=30)
signatures = SignatureDefMap()
metadata.metadata["signature_def"].Unpack(signatures)
status_request = GetModelStatusRequest()
status_request.model_spec.name = "minilm"
status = ModelServiceStub(bare).GetModelStatus(status_request, timeout=30)
lists = {name: array.tolist() for name, array in inputs.items()}
print(json.dumps({
    "vector": tensor_proto_to_ndarray(answer.outputs["sentence_embedding"])[0].tolist(),
    "of version": client.predict_request("minilm", inputs, timeout=30, model_version=answer.model_spec.version.value).model_spec.name,
    "columns": rest({"inputs": lists})["outputs"][0],
    "rows": rest({"instances": [{name: rows[0] for name, rows in lists.items()}]})["predictions"][0],
    "signature": sorted(signatures.signature_def["serving_default"].inputs),
    "state": status.model_version_status[0].state,
    "wrong model": code(lambda: client.predict_request("nope", inputs, timeout=30)),
    "wrong version": code(lambda: client.predict_request("minilm", inputs, timeout=30, model_version=99)),
    "wrong input": code(lambda: client.predict_request("minilm", {"nope": ids}, timeout=30)),
    "no key": code(lambda: TensorServingClient(urlsplit(url).hostname, int(port)).predict_request("minilm", inputs, timeout=30)),
}))
