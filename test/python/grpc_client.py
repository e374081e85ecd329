"""Python's own gRPC against the edge at argv[1] (host:port): a client made by reflection alone, and the health service. Prints what it got as JSON."""

import json
import sys

import grpc
from google.protobuf import descriptor_pool, message_factory
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

channel = grpc.insecure_channel(sys.argv[1])
database = ProtoReflectionDescriptorDatabase(channel)
pool = descriptor_pool.DescriptorPool(database)
service = pool.FindServiceByName("inference.GRPCInferenceService")
method = service.FindMethodByName("ModelMetadata")
call = channel.unary_unary(
    f"/{service.full_name}/{method.name}",
    request_serializer=lambda message: message.SerializeToString(),
    response_deserializer=message_factory.GetMessageClass(method.output_type).FromString,
)
health = health_pb2_grpc.HealthStub(channel)
watch = health.Watch(health_pb2.HealthCheckRequest(service="minilm"))
print(json.dumps({
    "services": list(database.get_services()),
    "inputs": [tensor.name for tensor in call(message_factory.GetMessageClass(method.input_type)(name="minilm")).inputs],
    "health": health.Check(health_pb2.HealthCheckRequest()).status,
    "watched": next(watch).status,
}))
watch.cancel()
