// The protocols that this edge speaks.

import { telemetry } from '../telemetry/index.ts'
import { oip } from './oip/index.ts'
import { openai } from './openai/index.ts'
import type { Protocol } from './protocol.ts'
import { tasks } from './tasks/index.ts'

export const protocols: readonly Protocol[] = [oip, tasks, openai, telemetry]
