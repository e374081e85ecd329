"""KServe's model server with one model, `tiny`, on the ports argv[1] (REST) and argv[2] (gRPC) of this machine.

The model multiplies four numbers with the weights that the tests know. While the file argv[3] is there, it does not answer.
"""

import asyncio
import os
import sys

import grpc.aio
import kserve
import numpy
import uvicorn
from kserve import InferOutput, InferRequest, InferResponse

rest_port, grpc_port, gate = sys.argv[1:]
sys.argv = sys.argv[:1]

# KServe listens on all interfaces and has no setting for that.
config = uvicorn.Config.__init__
uvicorn.Config.__init__ = lambda self, app, **options: config(self, app, **{**options, "host": "127.0.0.1"})
add_port = grpc.aio.Server.add_insecure_port
grpc.aio.Server.add_insecure_port = lambda self, address: add_port(self, address.replace("[::]", "127.0.0.1"))

weights = numpy.array([[row, row * 10, row * 100] for row in (1, 2, 3, 4)], dtype=numpy.float32)


class Tiny(kserve.Model):
    """y = x W, over version 1 and version 2 of the protocol."""

    def __init__(self):
        super().__init__("tiny")
        self.ready = True

    async def predict(self, payload, headers=None, response_headers=None):
        while os.path.exists(gate):
            await asyncio.sleep(0.005)
        if not isinstance(payload, InferRequest):
            return {"predictions": (numpy.array(payload["instances"], dtype=numpy.float32) @ weights).tolist()}
        y = payload.inputs[0].as_numpy() @ weights
        output = InferOutput(name="y", shape=list(y.shape), datatype="FP32")
        output.set_data_from_numpy(y, binary_data=payload.use_binary_outputs)
        return InferResponse(payload.id or "one", "tiny", [output], use_binary_outputs=payload.use_binary_outputs)


server = kserve.ModelServer(http_port=int(rest_port), grpc_port=int(grpc_port), workers=1, enable_grpc=True, grace_period=1)
server.start([Tiny()])
