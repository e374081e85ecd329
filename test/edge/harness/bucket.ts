// An S3-compatible service for the tests: it checks signatures and payloads, holds conditions, and fails where it is told to. The tests of `npm run test:full`
// hold the same suites against a service of other people's.

import { createHash, createHmac } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export const account = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' }

/**
 * What goes wrong with a request, called before it is answered: `cut` breaks the connection in the middle of the answer, `lost` does what was asked and then breaks it,
 * a number is the status that is answered.
 */
export type Fault = (request: { method: string; path: string }) => 'cut' | 'lost' | number | undefined

/** How conditions of writes are taken: held, as R2 and AWS do; passed over; or refused as not known. */
export type Conditions = 'held' | 'ignored' | 'refused'

export interface RunningBucket {
	/** For `openBucket`. */
	readonly options: { endpoint: string; name: string; accessKeyId: string; secretAccessKey: string; pause: number }
	/** Bytes by path, e.g. `models/chunks/1f09…`. */
	readonly objects: Map<string, { bytes: Buffer; headers: Record<string, string> }>
	/** Everything that was asked, e.g. `PUT models/chunks/1f09…`. */
	readonly requests: string[]
	fault: Fault | undefined
	conditions: Conditions
	close(): Promise<void>
}

/** Starts it, with one empty bucket named `models`. */
export async function startBucket(): Promise<RunningBucket> {
	const server = createServer((request, response) => {
		answer(request, response).catch((error) => response.destroy(error))
	})
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
	const { port } = server.address() as AddressInfo
	const running: RunningBucket = {
		options: { endpoint: `http://127.0.0.1:${port}`, name: 'models', ...account, pause: 5 },
		objects: new Map(),
		requests: [],
		fault: undefined,
		conditions: 'held',
		close: () =>
			new Promise((resolve) => {
				server.closeAllConnections()
				server.close(() => resolve())
			}),
	}

	async function answer(request: IncomingMessage, response: ServerResponse): Promise<unknown> {
		const body = Buffer.concat(await request.toArray())
		const { method = '' } = request
		const [, bucket = '', path = ''] = /^\/([^/]*)\/(.*)$/.exec(decodeURIComponent(new URL(request.url ?? '', 'http://x').pathname)) ?? []
		running.requests.push(`${method} ${path}`)
		const fault = running.fault?.({ method, path })
		if (fault === 'cut') {
			response.writeHead(200, { 'content-length': '1000' })
			return response.write('half', () => response.destroy())
		}
		if (typeof fault === 'number') return refuse(response, fault, fault === 503 ? 'SlowDown' : 'InternalError')
		const wrong = signatureFault(request) ?? payloadFault(request, body)
		if (wrong) return refuse(response, 403, wrong)
		if (bucket !== 'models') return refuse(response, 404, 'NoSuchBucket')
		return method === 'PUT' ? put(request, response, path, body, fault === 'lost') : get(request, response, path)
	}

	function put(request: IncomingMessage, response: ServerResponse, path: string, body: Buffer, lost: boolean): unknown {
		const { 'if-match': match, 'if-none-match': noneMatch } = request.headers
		const there = running.objects.get(path)
		if ((match || noneMatch) && running.conditions === 'refused') return refuse(response, 501, 'NotImplemented')
		if (running.conditions === 'held') {
			if (match && !there) return refuse(response, 404, 'NoSuchKey')
			if ((match && match !== etagOf(there?.bytes)) || (noneMatch && there)) return refuse(response, 412, 'PreconditionFailed')
		}
		const { 'content-type': type = '', 'cache-control': cache = '' } = request.headers
		running.objects.set(path, { bytes: body, headers: { 'content-type': type, 'cache-control': cache } })
		return lost ? response.destroy() : response.writeHead(200, { etag: etagOf(body) }).end()
	}

	function get(request: IncomingMessage, response: ServerResponse, path: string): unknown {
		const there = running.objects.get(path)
		if (!there) return refuse(response, 404, 'NoSuchKey', request.method)
		const etag = etagOf(there.bytes)
		if (request.headers['if-none-match'] === etag) return response.writeHead(304, { etag }).end()
		// As Cloudflare does before R2: what may be packed on the way has no length yet, and no strong validator.
		if (/json/.test(there.headers['content-type'] ?? '') && /gzip|br/.test(String(request.headers['accept-encoding'])))
			response.writeHead(200, { ...there.headers, etag: `W/${etag}` }).flushHeaders()
		else response.writeHead(200, { etag, 'content-length': String(there.bytes.byteLength), ...there.headers })
		return response.end(request.method === 'HEAD' ? undefined : there.bytes)
	}

	return running
}

const etagOf = (bytes: Buffer | undefined): string => (bytes ? `"${createHash('md5').update(bytes).digest('hex')}"` : '')

function refuse(response: ServerResponse, status: number, code: string, method = ''): unknown {
	const xml = `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>This is ${code}.</Message></Error>`
	return response.writeHead(status, { 'content-type': 'application/xml' }).end(method === 'HEAD' ? undefined : xml)
}

function payloadFault({ headers }: IncomingMessage, body: Buffer): string | undefined {
	const told = headers['x-amz-content-sha256']
	if (told === 'UNSIGNED-PAYLOAD') return undefined
	return told === sha256(body) ? undefined : 'XAmzContentSHA256Mismatch'
}

/** @see https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html */
function signatureFault(request: IncomingMessage): string | undefined {
	const { headers, method = '' } = request
	const [, id, day = '', region = '', names = '', signature] =
		/^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/s3\/aws4_request, ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/.exec(
			headers.authorization ?? '',
		) ?? []
	const date = String(headers['x-amz-date'])
	if (!signature || !date.startsWith(day)) return 'AccessDenied'
	if (id !== account.accessKeyId) return 'InvalidAccessKeyId'
	const at = Date.parse(date.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'))
	if (Math.abs(Date.now() - at) > 15 * 60_000) return 'RequestTimeTooSkewed'
	if (!['host', 'x-amz-content-sha256', 'x-amz-date'].every((name) => names.split(';').includes(name))) return 'AccessDenied'
	const { pathname, searchParams } = new URL(request.url ?? '', 'http://x')
	searchParams.sort()
	const canonical = [
		method,
		pathname.split('/').map(decodeURIComponent).map(encoded).join('/'),
		[...searchParams].map((pair) => pair.map(encoded).join('=')).join('&'),
		...names.split(';').map((name) => `${name}:${String(headers[name]).trim().replace(/\s+/g, ' ')}`),
		'',
		names,
		headers['x-amz-content-sha256'],
	].join('\n')
	const text = ['AWS4-HMAC-SHA256', date, `${day}/${region}/s3/aws4_request`, sha256(Buffer.from(canonical))].join('\n')
	const keyed = [day, region, 's3', 'aws4_request'].reduce<Buffer>(hmac, Buffer.from(`AWS4${account.secretAccessKey}`))
	return hmac(keyed, text).toString('hex') === signature ? undefined : 'SignatureDoesNotMatch'
}

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')

const hmac = (key: Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest()

const encoded = (text: string): string =>
	encodeURIComponent(text).replace(/[!'()*]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`)
