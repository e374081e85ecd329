// Requests of real clients, recorded byte for byte, and sent again.

import { readFileSync } from 'node:fs'
import { request } from 'node:http'

export interface Recorded {
	readonly method: string
	readonly path: string
	/** As they came: names and values in turn. */
	readonly headers: string[]
	readonly body: Buffer
}

/** The requests of a recording; a newline separates them. */
export function recorded(name: string): Recorded[] {
	let rest = readFileSync(new URL(`../../fixtures/clients/${name}.http`, import.meta.url))
	const requests: Recorded[] = []
	while (rest.length > 1) {
		const end = rest.indexOf('\r\n\r\n')
		const [first = '', ...lines] = rest.subarray(0, end).toString('latin1').trimStart().split('\r\n')
		const [method = '', path = ''] = first.split(' ')
		const headers = lines.flatMap((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()])
		const length = Number(lines.find((line) => /^content-length:/i.test(line))?.split(':')[1] ?? 0)
		requests.push({ method, path, headers, body: rest.subarray(end + 4, end + 4 + length) })
		rest = rest.subarray(end + 4 + length)
	}
	return requests
}

export interface Replied {
	readonly status: number
	readonly headers: Record<string, string | undefined>
	readonly body: Buffer
}

/** Sends exactly the headers of the recording, and those of `more`. */
export const send = (url: string, { method, path, headers, body }: Recorded, more: string[] = []): Promise<Replied> =>
	new Promise((resolve, reject) => {
		const options = { method, headers: [...headers, ...more], setDefaultHeaders: false, timeout: 30_000, agent: false }
		const sent = request(new URL(path, url), options, async (response) => {
			const parts: Buffer[] = []
			for await (const part of response) parts.push(part)
			resolve({ status: response.statusCode ?? 0, headers: response.headers as Replied['headers'], body: Buffer.concat(parts) })
		})
		sent.on('error', reject)
		sent.end(body)
	})

export const jsonOf = ({ body }: Replied) => JSON.parse(body.toString())
