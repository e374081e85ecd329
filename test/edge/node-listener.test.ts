// What cannot be made a request of: told as other errors are, instead of by an empty answer.

import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { expect, test } from 'vitest'
import { listenerOf } from '../../edge/platform/node/listener.ts'

async function answerTo(head: string): Promise<string> {
	const server = createServer(listenerOf(() => new Response('answered')))
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
	try {
		const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
		socket.write(`${head}\r\nConnection: close\r\n\r\n`)
		return await text(socket)
	} finally {
		server.close()
	}
}

test.each(['GET / HTTP/1.1\r\nHost: not a host', 'GET / HTTP/1.1\r\nHost: a@b', 'GET / HTTP/1.0'])('%j', async (head) => {
	const answer = await answerTo(head)
	expect(answer).toMatch(/^HTTP\/1\.1 400 /)
	expect(answer).toMatch(/^content-type: application\/problem\+json/im)
	expect(answer).toContain('"code":"malformed"')
	expect(answer).toContain('this is no request: ')
})

test('others come through', async () => expect(await answerTo('GET / HTTP/1.1\r\nHost: x')).toMatch(/answered/))
