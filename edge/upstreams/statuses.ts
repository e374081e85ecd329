// What the statuses of servers mean that take tensors.

import type { ErrorCode } from '../../runtime/core/error.ts'
import { codeOfStatus } from '../../runtime/remote/server.ts'
import type { ModelInterface } from '../parts.ts'

/**
 * What a status means, where the body does not say: 400 is the caller's mistake where nobody has checked the inputs before, and no failure of a
 * server that is to be passed by for it.
 */
export const codeOf =
	({ inputs }: Pick<ModelInterface, 'inputs'>) =>
	(status: number): ErrorCode | undefined =>
		status === 400 && !inputs ? 'invalid-input' : codeOfStatus[status]
