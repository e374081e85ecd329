// Upstreams that speak the Open Inference Protocol over gRPC: Triton, KServe, MLServer, OpenVINO Model Server, another Spillway edge. Node only.

import { upstreamKind } from '../upstream.ts'
import { isUp } from './health.ts'
import { oipGrpcUpstream } from './upstream.ts'

export const oipGrpc = upstreamKind({ kind: 'oip-grpc', settings: {}, executor: oipGrpcUpstream, isUp })
