// The gRPC services that call models: the same ones over native gRPC, gRPC-Web and Connect. A protocol that speaks gRPC adds its own here.

import { tensorflowServices } from '../tfserving/grpc.ts'
import { inference } from './inference/service.ts'
import type { GrpcService } from './service.ts'

export const services: readonly GrpcService[] = [inference, ...tensorflowServices]
