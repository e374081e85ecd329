// Made by `npm run proto` of the files beside it.

export const protos: Readonly<Record<string, string>> = {
	'google/rpc/error_details.proto': `// The details that Spillway's errors carry.
// After https://github.com/googleapis/googleapis (google/rpc/error_details.proto), Apache-2.0: two of its messages.

syntax = "proto3";

package google.rpc;

import "google/protobuf/duration.proto";

// When another try makes sense.
message RetryInfo {
  google.protobuf.Duration retry_delay = 1;
}

// Why a call was refused.
message ErrorInfo {
  // Spillway's error code, such as "deadline-exceeded", in the form that the standard asks for: DEADLINE_EXCEEDED.
  string reason = 1;
  // "spillway"
  string domain = 2;
  map<string, string> metadata = 3;
}
`,
	'grpc/health/v1/health.proto': `// gRPC's health checking protocol.
// After https://github.com/grpc/grpc-proto (grpc/health/v1/health.proto), Apache-2.0.

syntax = "proto3";

package grpc.health.v1;

message HealthCheckRequest {
  // Empty: the server. A service's full name, or the name of a model.
  string service = 1;
}

message HealthCheckResponse {
  enum ServingStatus {
    UNKNOWN = 0;
    SERVING = 1;
    NOT_SERVING = 2;
    // Used only by Watch.
    SERVICE_UNKNOWN = 3;
  }
  ServingStatus status = 1;
}

// Needs no key.
service Health {
  rpc Check(HealthCheckRequest) returns (HealthCheckResponse);

  // The status now, and again whenever it changes.
  rpc Watch(HealthCheckRequest) returns (stream HealthCheckResponse);
}
`,
	'grpc/reflection/v1/reflection.proto': `// gRPC's server reflection.
// After https://github.com/grpc/grpc-proto (grpc/reflection/v1/reflection.proto), Apache-2.0.

syntax = "proto3";

package grpc.reflection.v1;

// Needs no key.
service ServerReflection {
  rpc ServerReflectionInfo(stream ServerReflectionRequest) returns (stream ServerReflectionResponse);
}

message ServerReflectionRequest {
  string host = 1;
  oneof message_request {
    // The file of this name.
    string file_by_filename = 3;
    // The file that declares a message, an enum, a service or a method of this full name.
    string file_containing_symbol = 4;
    ExtensionRequest file_containing_extension = 5;
    string all_extension_numbers_of_type = 6;
    // The full names of all services.
    string list_services = 7;
  }
}

message ExtensionRequest {
  string containing_type = 1;
  int32 extension_number = 2;
}

message ServerReflectionResponse {
  string valid_host = 1;
  ServerReflectionRequest original_request = 2;
  oneof message_response {
    FileDescriptorResponse file_descriptor_response = 4;
    ExtensionNumberResponse all_extension_numbers_response = 5;
    ListServiceResponse list_services_response = 6;
    ErrorResponse error_response = 7;
  }
}

message FileDescriptorResponse {
  // google.protobuf.FileDescriptorProto, serialized: the file and all that it imports.
  repeated bytes file_descriptor_proto = 1;
}

message ExtensionNumberResponse {
  string base_type_name = 1;
  repeated int32 extension_number = 2;
}

message ListServiceResponse {
  repeated ServiceResponse service = 1;
}

message ServiceResponse {
  string name = 1;
}

message ErrorResponse {
  // A gRPC status code.
  int32 error_code = 1;
  string error_message = 2;
}
`,
	'grpc/reflection/v1alpha/reflection.proto': `// gRPC's server reflection, as older clients ask for it.
// After https://github.com/grpc/grpc-proto (grpc/reflection/v1alpha/reflection.proto), Apache-2.0.

syntax = "proto3";

package grpc.reflection.v1alpha;

// Needs no key.
service ServerReflection {
  rpc ServerReflectionInfo(stream ServerReflectionRequest) returns (stream ServerReflectionResponse);
}

message ServerReflectionRequest {
  string host = 1;
  oneof message_request {
    // The file of this name.
    string file_by_filename = 3;
    // The file that declares a message, an enum, a service or a method of this full name.
    string file_containing_symbol = 4;
    ExtensionRequest file_containing_extension = 5;
    string all_extension_numbers_of_type = 6;
    // The full names of all services.
    string list_services = 7;
  }
}

message ExtensionRequest {
  string containing_type = 1;
  int32 extension_number = 2;
}

message ServerReflectionResponse {
  string valid_host = 1;
  ServerReflectionRequest original_request = 2;
  oneof message_response {
    FileDescriptorResponse file_descriptor_response = 4;
    ExtensionNumberResponse all_extension_numbers_response = 5;
    ListServiceResponse list_services_response = 6;
    ErrorResponse error_response = 7;
  }
}

message FileDescriptorResponse {
  // google.protobuf.FileDescriptorProto, serialized: the file and all that it imports.
  repeated bytes file_descriptor_proto = 1;
}

message ExtensionNumberResponse {
  string base_type_name = 1;
  repeated int32 extension_number = 2;
}

message ListServiceResponse {
  repeated ServiceResponse service = 1;
}

message ServiceResponse {
  string name = 1;
}

message ErrorResponse {
  // A gRPC status code.
  int32 error_code = 1;
  string error_message = 2;
}
`,
	'inference/open_inference_grpc.proto': `// The Open Inference Protocol v2 over gRPC, with the stream that Triton adds to it.
// After https://github.com/kserve/open-inference-protocol (specification/protocol/open_inference_grpc.proto) and
// https://github.com/triton-inference-server/common (protobuf/grpc_service.proto): same names, same numbers.

syntax = "proto3";

package inference;

service GRPCInferenceService {
  // Whether the server is up. Needs no key, as the four after it.
  rpc ServerLive(ServerLiveRequest) returns (ServerLiveResponse) {}

  // Whether every model answers now.
  rpc ServerReady(ServerReadyRequest) returns (ServerReadyResponse) {}

  // Whether a model answers now.
  rpc ModelReady(ModelReadyRequest) returns (ModelReadyResponse) {}

  // Name, version and extensions of the server.
  rpc ServerMetadata(ServerMetadataRequest) returns (ServerMetadataResponse) {}

  // Inputs, outputs and versions of a model.
  rpc ModelMetadata(ModelMetadataRequest) returns (ModelMetadataResponse) {}

  // Runs a model on tensors.
  rpc ModelInfer(ModelInferRequest) returns (ModelInferResponse) {}

  // Runs a model for each request of a stream; answers come in the order of the requests. What fails is told in its answer's place, and the
  // stream goes on.
  rpc ModelStreamInfer(stream ModelInferRequest) returns (stream ModelStreamInferResponse) {}
}

message ServerLiveRequest {}

message ServerLiveResponse {
  bool live = 1;
}

message ServerReadyRequest {}

message ServerReadyResponse {
  bool ready = 1;
}

message ModelReadyRequest {
  string name = 1;
  // Empty: the current one.
  string version = 2;
}

message ModelReadyResponse {
  bool ready = 1;
}

message ServerMetadataRequest {}

message ServerMetadataResponse {
  string name = 1;
  string version = 2;
  repeated string extensions = 3;
}

message ModelMetadataRequest {
  string name = 1;
  // Empty: the current one.
  string version = 2;
}

message ModelMetadataResponse {
  message TensorMetadata {
    string name = 1;
    string datatype = 2;
    // -1 stands for any size.
    repeated int64 shape = 3;
  }

  string name = 1;
  repeated string versions = 2;
  string platform = 3;
  repeated TensorMetadata inputs = 4;
  repeated TensorMetadata outputs = 5;
}

message ModelInferRequest {
  message InferInputTensor {
    string name = 1;
    string datatype = 2;
    repeated int64 shape = 3;
    map<string, InferParameter> parameters = 4;
    // Only where raw_input_contents is empty. FP16 and BF16 have no field of their own: raw only.
    InferTensorContents contents = 5;
  }

  message InferRequestedOutputTensor {
    string name = 1;
    map<string, InferParameter> parameters = 2;
  }

  string model_name = 1;
  // Empty: the current one.
  string model_version = 2;
  // Given back in the response.
  string id = 3;
  map<string, InferParameter> parameters = 4;
  repeated InferInputTensor inputs = 5;
  // None: all outputs of the model.
  repeated InferRequestedOutputTensor outputs = 6;
  // The tensors' elements in the order of inputs, row-major and little-endian; a byte of 0 or 1 for each BOOL.
  repeated bytes raw_input_contents = 7;
}

message ModelInferResponse {
  message InferOutputTensor {
    string name = 1;
    string datatype = 2;
    repeated int64 shape = 3;
    map<string, InferParameter> parameters = 4;
    // Only where raw_output_contents is empty.
    InferTensorContents contents = 5;
  }

  string model_name = 1;
  string model_version = 2;
  string id = 3;
  map<string, InferParameter> parameters = 4;
  repeated InferOutputTensor outputs = 5;
  // As raw_input_contents, in the order of outputs. Given where the request had its tensors so, or where an output has no other form.
  repeated bytes raw_output_contents = 6;
}

message ModelStreamInferResponse {
  // Empty: the request was answered.
  string error_message = 1;
  // Has the request's id also when it failed.
  ModelInferResponse infer_response = 2;
}

message InferParameter {
  oneof parameter_choice {
    bool bool_param = 1;
    int64 int64_param = 2;
    string string_param = 3;
    double double_param = 4;
    uint64 uint64_param = 5;
  }
}

// The elements of a tensor, row-major, in the field for its datatype.
message InferTensorContents {
  // BOOL
  repeated bool bool_contents = 1;
  // INT8, INT16, INT32
  repeated int32 int_contents = 2;
  // INT64
  repeated int64 int64_contents = 3;
  // UINT8, UINT16, UINT32
  repeated uint32 uint_contents = 4;
  // UINT64
  repeated uint64 uint64_contents = 5;
  // FP32
  repeated float fp32_contents = 6;
  // FP64
  repeated double fp64_contents = 7;
  // BYTES, which Spillway does not take.
  repeated bytes bytes_contents = 8;
}
`,
}
