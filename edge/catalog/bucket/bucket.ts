// An S3-compatible bucket (R2, AWS, MinIO, …) over HTTP: signed requests, bounded in time, tried again where that can help.

import { AwsV4Signer } from 'aws4fetch'
import { messageOf, SpillwayError } from '../../../runtime/core/error.ts'
import { isSafePath } from '../files.ts'

export interface BucketOptions {
	/** Base address of the service, e.g. `https://<account>.r2.cloudflarestorage.com`. Default: that of AWS for the region. */
	endpoint?: string | undefined
	/** The bucket's name; it becomes the first part of the path. */
	name: string
	/** Put before each path, with `/` between names, e.g. `models`. Default: none. */
	prefix?: string | undefined
	/** Default: `us-east-1`, which R2 takes for its own. */
	region?: string | undefined
	accessKeyId: string
	secretAccessKey: string
	/** Of temporary credentials. */
	sessionToken?: string | undefined
	/** How often a request is tried. Default 4. */
	attempts?: number
	/** Milliseconds for one try, its body included. Default 30,000. */
	patience?: number
	/** Milliseconds of the first pause, on the average half of it; each further one is twice as long. Default 200. */
	pause?: number
}

export type Method = 'GET' | 'HEAD' | 'PUT'

export interface BucketRequest {
	headers?: Record<string, string>
	/** Sent with its SHA-256 in the signature: a service does not store other bytes than these. */
	body?: { bytes: Uint8Array<ArrayBuffer>; digest: string }
}

/** An answer with its whole body. */
export interface BucketAnswer {
	/** 200; of a condition 304, 412 or 409 (it does not hold), 501 (the service knows none); 404: there is no such object. */
	readonly status: number
	readonly headers: Headers
	readonly bytes: Uint8Array<ArrayBuffer>
}

export interface Bucket {
	/** For people: `s3://bucket/prefix at https://…`. */
	readonly where: string
	/**
	 * @param path below the prefix; letters, digits and `._@-`, nothing hidden.
	 * @throws SpillwayError `not-found` when there is no such bucket, `upstream` for any other refusal, `network` when no whole answer comes.
	 */
	send(method: Method, path: string, request?: BucketRequest): Promise<BucketAnswer>
}

/** Answers that another try may better; 409 is that of two conditional writes at once. */
const passing = [408, 409, 429, 500, 502, 503, 504]

/** Answers that are for the caller to understand. */
const understood = { GET: [200, 304, 404], HEAD: [200, 404], PUT: [200, 404, 409, 412, 501] }

/** Longest pause before another try, in milliseconds, whatever `Retry-After` says. */
const longestPause = 20_000

/**
 * Makes requests to a bucket.
 *
 * @throws SpillwayError `malformed` for an address or a prefix that cannot be one.
 * @example const files = bucketFiles(openBucket({ name: 'models', endpoint: 'https://….r2.cloudflarestorage.com', accessKeyId, secretAccessKey }))
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
 */
export function openBucket(options: BucketOptions): Bucket {
	const { name, prefix = '', region = 'us-east-1', attempts = 4, patience = 30_000, pause = 200 } = options
	const endpoint = (options.endpoint ?? `https://s3.${region}.amazonaws.com`).replace(/\/+$/, '')
	const address = URL.parse(endpoint)
	// Errors show the address.
	if (address?.username || address?.password)
		throw new SpillwayError('malformed', 'the address of the service holds a name or a password: give them as access key and secret')
	if (!/^https?:$/.test(address?.protocol ?? ''))
		throw new SpillwayError('malformed', `${JSON.stringify(endpoint)} is no address of a service: give one as https://s3.example.com`)
	if (prefix !== '' && !isSafePath(prefix))
		throw new SpillwayError('malformed', `${JSON.stringify(prefix)} cannot be a prefix: give names with "/" between them, e.g. models`)
	const base = [endpoint, name, ...(prefix ? [prefix] : [])].join('/')
	const where = `s3://${[name, ...(prefix ? [prefix] : [])].join('/')} at ${endpoint}`
	const { accessKeyId, secretAccessKey, sessionToken } = options
	const account = { accessKeyId, secretAccessKey, ...(sessionToken && { sessionToken }), service: 's3', region }

	async function once(method: Method, path: string, { headers = {}, body }: BucketRequest): Promise<BucketAnswer> {
		const signed = await new AwsV4Signer({
			...account,
			method,
			url: `${base}/${path}`,
			headers: { ...headers, 'x-amz-content-sha256': body?.digest ?? 'UNSIGNED-PAYLOAD' },
		}).sign()
		// Cloudflare packs what it sends from R2 for whoever takes that: a HEAD tells no length then, and the validator is a weak one. Not signed, because
		// services on the way change it.
		signed.headers.set('accept-encoding', 'identity')
		const response = await fetch(signed.url, {
			method,
			headers: signed.headers,
			...(body && { body: body.bytes }),
			// A redirect is that of a bucket in another region, for which the signature is not good.
			redirect: 'manual',
			signal: AbortSignal.timeout(patience),
		})
		return { status: response.status, headers: response.headers, bytes: new Uint8Array(await response.arrayBuffer()) }
	}

	return {
		where,
		async send(method, path, request = {}) {
			for (let left = attempts - 1, wait = pause; ; left--, wait *= 2) {
				let told: number | undefined
				try {
					const answer = await once(method, path, request)
					if (!passing.includes(answer.status) || left === 0) return checked(answer, method, path)
					told = Number(answer.headers.get('retry-after')) * 1000 || undefined
				} catch (error) {
					if (error instanceof SpillwayError) throw error
					if (left === 0)
						throw new SpillwayError('network', `${where}: ${path}: no whole answer after ${attempts} tries: ${messageOf(error)}`, {
							cause: error,
						})
				}
				await new Promise((resolve) => setTimeout(resolve, Math.min(longestPause, told ?? Math.random() * wait)))
			}
		},
	}

	function checked(answer: BucketAnswer, method: Method, path: string): BucketAnswer {
		const { code, message } = problemOf(answer)
		if (code === 'NoSuchBucket') throw new SpillwayError('not-found', `${where}: there is no such bucket`)
		if (understood[method].includes(answer.status)) return answer
		const region = answer.headers.get('x-amz-bucket-region')
		const hint =
			code === 'AccessDenied' && method !== 'PUT'
				? '; without leave to list the bucket this also means that there is no such object'
				: region
					? `; the bucket is in the region ${region}`
					: ''
		throw new SpillwayError(
			'upstream',
			`${where}: ${method} ${path}: HTTP ${answer.status} ${[code, message].filter(Boolean).join(': ')}${hint}`,
		)
	}
}

/** What a service says in its XML; nothing in answers to HEAD. */
function problemOf({ status, bytes }: BucketAnswer): { code: string; message: string } {
	const text = status < 400 ? '' : new TextDecoder().decode(bytes.subarray(0, 4096))
	const inside = (name: string) => new RegExp(`<${name}>([^<]*)</${name}>`).exec(text)?.[1] ?? ''
	return { code: inside('Code'), message: inside('Message') }
}
