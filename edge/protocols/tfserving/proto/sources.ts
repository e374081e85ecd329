// Made by `npm run proto` of the files beside it.

export const protos: Readonly<Record<string, string>> = {
	'tensorflow/error/code.proto': `// TensorFlow's status codes, which are those of gRPC.

syntax = "proto3";

package tensorflow.error;

enum Code {
  OK = 0;
  CANCELLED = 1;
  UNKNOWN = 2;
  INVALID_ARGUMENT = 3;
  DEADLINE_EXCEEDED = 4;
  NOT_FOUND = 5;
  ALREADY_EXISTS = 6;
  PERMISSION_DENIED = 7;
  RESOURCE_EXHAUSTED = 8;
  FAILED_PRECONDITION = 9;
  ABORTED = 10;
  OUT_OF_RANGE = 11;
  UNIMPLEMENTED = 12;
  INTERNAL = 13;
  UNAVAILABLE = 14;
  DATA_LOSS = 15;
  UNAUTHENTICATED = 16;
}
`,
	'tensorflow/framework/tensor.proto': `// The messages of TensorFlow that its Serving's clients send and get, with the field numbers of TensorFlow's own files (framework/tensor.proto,
// tensor_shape.proto, types.proto, protobuf/meta_graph.proto). What the edge neither reads nor writes (strings, resources, sparse tensors) is left out.

syntax = "proto3";

package tensorflow;

enum DataType {
  DT_INVALID = 0;
  DT_FLOAT = 1;
  DT_DOUBLE = 2;
  DT_INT32 = 3;
  DT_UINT8 = 4;
  DT_INT16 = 5;
  DT_INT8 = 6;
  DT_STRING = 7;
  DT_COMPLEX64 = 8;
  DT_INT64 = 9;
  DT_BOOL = 10;
  DT_BFLOAT16 = 14;
  DT_UINT16 = 17;
  DT_COMPLEX128 = 18;
  DT_HALF = 19;
  DT_RESOURCE = 20;
  DT_VARIANT = 21;
  DT_UINT32 = 22;
  DT_UINT64 = 23;
}

message TensorShapeProto {
  message Dim {
    // -1: any size.
    int64 size = 1;
    string name = 2;
  }
  repeated Dim dim = 2;
  bool unknown_rank = 3;
}

// Elements stand in tensor_content (little-endian) or in the list of their type; a list that is too short goes on with its last element.
message TensorProto {
  DataType dtype = 1;
  TensorShapeProto tensor_shape = 2;
  int32 version_number = 3;
  bytes tensor_content = 4;
  // DT_HALF and DT_BFLOAT16, as raw 16-bit words.
  repeated int32 half_val = 13;
  repeated float float_val = 5;
  repeated double double_val = 6;
  // DT_INT32, DT_INT16, DT_UINT16, DT_INT8, DT_UINT8.
  repeated int32 int_val = 7;
  repeated bytes string_val = 8;
  repeated int64 int64_val = 10;
  repeated bool bool_val = 11;
  repeated uint32 uint32_val = 16;
  repeated uint64 uint64_val = 17;
}

message TensorInfo {
  string name = 1;
  DataType dtype = 2;
  TensorShapeProto tensor_shape = 3;
}

message SignatureDef {
  map<string, TensorInfo> inputs = 1;
  map<string, TensorInfo> outputs = 2;
  string method_name = 3;
}
`,
	'tensorflow/serving/prediction_service.proto': `// TensorFlow Serving's services, as far as the edge has them, with the names and field numbers of its own files (tensorflow_serving/apis).

syntax = "proto3";

package tensorflow.serving;

import "google/protobuf/any.proto";
import "google/protobuf/wrappers.proto";
import "tensorflow/framework/tensor.proto";
import "tensorflow/error/code.proto";

service PredictionService {
  // Runs a model on tensors.
  rpc Predict(PredictRequest) returns (PredictResponse);
  // Inputs and outputs of a model.
  rpc GetModelMetadata(GetModelMetadataRequest) returns (GetModelMetadataResponse);
}

service ModelService {
  // Whether a model's versions answer now.
  rpc GetModelStatus(GetModelStatusRequest) returns (GetModelStatusResponse);
}

message ModelSpec {
  string name = 1;
  // Neither: the current version.
  oneof version_choice {
    // The first number of the version here.
    google.protobuf.Int64Value version = 2;
    string version_label = 4;
  }
  // "serving_default", or empty.
  string signature_name = 3;
}

message PredictRequest {
  ModelSpec model_spec = 1;
  map<string, TensorProto> inputs = 2;
  // Names of the outputs that come; empty: all.
  repeated string output_filter = 3;
}

message PredictResponse {
  map<string, TensorProto> outputs = 1;
  ModelSpec model_spec = 2;
}

message SignatureDefMap {
  map<string, SignatureDef> signature_def = 1;
}

message GetModelMetadataRequest {
  ModelSpec model_spec = 1;
  // Must be "signature_def".
  repeated string metadata_field = 2;
}

message GetModelMetadataResponse {
  ModelSpec model_spec = 1;
  // "signature_def": a SignatureDefMap.
  map<string, google.protobuf.Any> metadata = 2;
}

message GetModelStatusRequest {
  ModelSpec model_spec = 1;
}

message StatusProto {
  error.Code error_code = 1 [json_name = "error_code"];
  string error_message = 2 [json_name = "error_message"];
}

message ModelVersionStatus {
  enum State {
    UNKNOWN = 0;
    START = 10;
    LOADING = 20;
    AVAILABLE = 30;
    UNLOADING = 40;
    END = 50;
  }
  int64 version = 1;
  State state = 2;
  StatusProto status = 3;
}

message GetModelStatusResponse {
  repeated ModelVersionStatus model_version_status = 1 [json_name = "model_version_status"];
}
`,
}
