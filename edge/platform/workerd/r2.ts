// Files of an R2 bucket that is bound to the Worker.

import { messageOf, SpillwayError } from '../../../runtime/core/error.ts'
import { type Files, isSafePath } from '../../catalog/files.ts'
import { matches } from '../../catalog/respond.ts'
import type { R2Bucket } from './bindings.ts'

/** @param bucket the binding; models are at its top, as `spillway publish --to s3://<bucket>` puts them. */
export function r2(bucket: R2Bucket): Files {
	return {
		async get(path, ifNoneMatch) {
			if (!isSafePath(path)) return null
			const object = await bucket.get(path).catch((cause) => {
				throw new SpillwayError('upstream', `the binding CATALOG: ${path}: ${messageOf(cause)}`, { cause })
			})
			if (!object) return null
			const { httpEtag: etag, size, body } = object
			if (matches(ifNoneMatch ?? null, etag)) {
				await body.cancel()
				return new Response(null, { status: 304, headers: { etag } })
			}
			return new Response(body, { headers: { etag, 'content-length': String(size) } })
		},
	}
}
