// Whether an upstream says that it is up.

import { upAt } from '../probe.ts'

export const isUp = upAt('/v2/health/ready')
