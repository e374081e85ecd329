// The protocols that this edge speaks.

import { telemetry } from '../telemetry/index.ts'
import { azureml } from './azureml/index.ts'
import { grpc } from './grpc/index.ts'
import { oip } from './oip/index.ts'
import { openai } from './openai/index.ts'
import type { Protocol } from './protocol.ts'
import { sagemaker } from './sagemaker/index.ts'
import { tasks } from './tasks/index.ts'
import { tfserving } from './tfserving/index.ts'
import { torchserve } from './torchserve/index.ts'

export const protocols: readonly Protocol[] = [oip, grpc, tasks, openai, tfserving, torchserve, sagemaker, azureml, telemetry]
