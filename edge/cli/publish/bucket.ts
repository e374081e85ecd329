// Publishing into an S3-compatible bucket.

import { createHash } from 'node:crypto'
import { digestOf } from '../../../models/format/digest.ts'
import { SpillwayError } from '../../../runtime/core/error.ts'
import type { Bucket, BucketAnswer } from '../../catalog/bucket/bucket.ts'
import type { Content, Stored, Target } from './target.ts'

export function bucketTarget(bucket: Bucket): Target {
	const put = async ({ path, bytes, kind }: Content, condition: Record<string, string> = {}): Promise<BucketAnswer> =>
		bucket.send('PUT', path, {
			headers: { 'content-type': kind.type, 'cache-control': kind.cache, ...condition },
			body: { bytes, digest: await digestOf(bytes) },
		})

	async function read(path: string): Promise<Stored | null> {
		const { status, headers, bytes } = await bucket.send('GET', path)
		return status === 404 ? null : { bytes, tag: headers.get('etag') ?? '' }
	}

	async function write(content: Content): Promise<void> {
		const { status } = await put(content)
		if (status !== 200) throw new SpillwayError('upstream', `${bucket.where}: PUT ${content.path}: HTTP ${status}`)
	}

	return {
		where: bucket.where,
		read,
		async holds({ path, bytes }) {
			const { status, headers } = await bucket.send('HEAD', path)
			if (status === 404 || headers.get('content-length') !== String(bytes.byteLength)) return false
			// The MD5 for what was put there in one piece and is not encrypted with a key of its own; else the bytes must tell.
			if (headers.get('etag') === `"${createHash('md5').update(bytes).digest('hex')}"`) return true
			const there = await read(path)
			return there !== null && Buffer.compare(there.bytes, bytes) === 0
		},
		write,
		async swap(content, tag) {
			const { status } = await put(content, tag === null ? { 'if-none-match': '*' } : { 'if-match': tag })
			if (status !== 501) return status === 200
			// Conditions are not known here: what happens between these two is left to chance.
			if (((await read(content.path))?.tag ?? null) !== tag) return false
			await write(content)
			return true
		},
		async holdsConditions(content) {
			return (await put(content, { 'if-none-match': '*' })).status === 412
		},
	}
}
