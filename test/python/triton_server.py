"""A Triton with one model, `tiny`, on the ports argv[1] (REST) and argv[2] (gRPC) of this machine.

The model multiplies four numbers with the weights that the tests know. While the file argv[3] is there, it does not answer.
With argv[4], an address, Triton tells there of each call in the trace that the call belongs to (OTLP over HTTP).
"""

import os
import sys
import sysconfig
import time

import numpy
from pytriton.model_config import ModelConfig, Tensor
from pytriton.triton import Triton, TritonConfig

rest_port, grpc_port, gate, *collector = sys.argv[1:]

# The server is a program of its own, which loads this Python.
os.environ["LD_LIBRARY_PATH"] = ":".join(filter(None, [sysconfig.get_config_var("LIBDIR"), os.environ.get("LD_LIBRARY_PATH")]))

weights = numpy.array([[row, row * 10, row * 100] for row in (1, 2, 3, 4)], dtype=numpy.float32)


def infer(requests):
    """y = x W for each request."""
    while os.path.exists(gate):
        time.sleep(0.005)
    return [{"y": request.data["x"] @ weights} for request in requests]


config = TritonConfig(
    http_address="127.0.0.1",
    http_port=int(rest_port),
    grpc_address="127.0.0.1",
    grpc_port=int(grpc_port),
    allow_metrics=False,
    exit_timeout_secs=1,
    **({"trace_config": ["mode=opentelemetry", "rate=1", "level=TIMESTAMPS", f"opentelemetry,url={collector[0]}"]} if collector else {}),
)
# What it unpacks goes with the gate's folder.
with Triton(config=config, workspace=os.path.join(os.path.dirname(gate), "workspace")) as triton:
    triton.bind(
        model_name="tiny",
        infer_func=infer,
        inputs=[Tensor(name="x", dtype=numpy.float32, shape=(1, 4))],
        outputs=[Tensor(name="y", dtype=numpy.float32, shape=(1, 3))],
        config=ModelConfig(batching=False),
    )
    triton.serve()
