"""Ray Serve with one application, `tiny`, on the port argv[1] of this machine.

It multiplies four numbers with the weights that the tests know. While the file argv[2] is there, it does not answer. Ray keeps its files in the folder
argv[3].
"""

import asyncio
import os
import signal
import sys

# What is used is nobody's business; Ray would tell it.
os.environ["RAY_USAGE_STATS_ENABLED"] = "0"

import numpy
import ray
from ray import serve

port, gate, folder = sys.argv[1:]


@serve.deployment(ray_actor_options={"num_cpus": 0})
class Tiny:
    """y = x W."""

    weights = numpy.array([[row, row * 10, row * 100] for row in (1, 2, 3, 4)], dtype=numpy.float32)

    def __init__(self, gate):
        self.gate = gate

    async def __call__(self, request):
        body = await request.json()
        while os.path.exists(self.gate):
            await asyncio.sleep(0.005)
        return {"y": (numpy.array(body["x"], dtype=numpy.float32) @ self.weights).tolist()}


ray.init(num_cpus=1, object_store_memory=80 * 1024 * 1024, include_dashboard=False, _node_ip_address="127.0.0.1", _temp_dir=folder, log_to_driver=False)
serve.start(http_options={"host": "127.0.0.1", "port": int(port)})
serve.run(Tiny.bind(gate), name="tiny", route_prefix="/tiny")
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
print("ready", flush=True)
signal.pause()
