// Files of the ASSETS binding.

import { SpillwayError } from '../../../runtime/core/error.ts'
import { type Files, isSafePath } from '../../catalog/files.ts'
import type { Fetcher } from './bindings.ts'

/**
 * @param binding gives the built files.
 * @param root folder among them, e.g. `'models'`.
 */
export function assets(binding: Fetcher, root: string): Files {
	return {
		async get(path, ifNoneMatch) {
			if (!isSafePath(path)) return null
			// Only the path counts; the name is never looked up.
			const response = await binding.fetch(`https://assets.invalid/${root}/${path}`, {
				headers: ifNoneMatch === undefined ? {} : { 'if-none-match': ifNoneMatch },
			})
			if (response.status === 200 || response.status === 304) return response
			await response.body?.cancel()
			if (response.status === 404) return null
			throw new SpillwayError('internal', `the ASSETS binding answered ${response.status} for ${root}/${path}`)
		},
	}
}
