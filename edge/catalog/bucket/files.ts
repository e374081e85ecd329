// Files of an S3-compatible bucket.

import { type Files, isSafePath } from '../files.ts'
import type { Bucket } from './bucket.ts'

/** @example const catalog = createCatalog(bucketFiles(openBucket(options))) */
export function bucketFiles(bucket: Bucket): Files {
	return {
		async get(path, ifNoneMatch) {
			if (!isSafePath(path)) return null
			const {
				status,
				headers: told,
				bytes,
			} = await bucket.send('GET', path, {
				headers: ifNoneMatch === undefined ? {} : { 'if-none-match': ifNoneMatch },
			})
			if (status === 404) return null
			const headers = { etag: told.get('etag') ?? '' }
			if (status === 304) return new Response(null, { status, headers })
			return new Response(bytes, { headers: { ...headers, 'content-length': String(bytes.byteLength) } })
		},
	}
}
