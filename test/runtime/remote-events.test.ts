// Server-sent events as they come over the network, in any pieces.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { eventsOf } from '../../runtime/remote/events.ts'

const encoder = new TextEncoder()

/** A body that comes in these pieces, and what has become of it. */
function bodyOf(pieces: readonly (string | Uint8Array)[], end: 'ends' | 'stays' | 'breaks' = 'ends') {
	const state = { cancelled: false }
	const queue = pieces.map((piece) => (typeof piece === 'string' ? encoder.encode(piece) : piece))
	const body = new ReadableStream<Uint8Array>(
		{
			pull(controller) {
				const piece = queue.shift()
				if (piece) controller.enqueue(piece)
				else if (end === 'ends') controller.close()
				else if (end === 'breaks') controller.error(new TypeError('terminated'))
			},
			cancel() {
				state.cancelled = true
			},
		},
		{ highWaterMark: 0 },
	)
	return { body, state }
}

const options = (more: object = {}) => ({ name: 'vllm', stall: 5_000, signal: new AbortController().signal, ...more })

async function read(body: ReadableStream<Uint8Array>, more: object = {}): Promise<string[]> {
	const all: string[] = []
	for await (const data of eventsOf(body, options(more))) all.push(data)
	return all
}

describe('events', () => {
	test.each([
		['one line', 'data: a\n\n', ['a']],
		['without the blank', 'data:a\n\n', ['a']],
		['several lines are one event', 'data: a\ndata: b\n\n', ['a\nb']],
		['an empty one', 'data\n\n', ['']],
		['CRLF', 'data: a\r\n\r\ndata: b\r\n\r\n', ['a', 'b']],
		['CR alone', 'data: a\r\rdata: b\r\r.', ['a', 'b']],
		['comments and other fields', ': ping\n\nevent: x\nid: 1\nretry: 5\ndata: a\n\n', ['a']],
		['a mark at the beginning', '\uFEFFdata: a\n\n', ['a']],
		['what is not complete is none', 'data: a\n\ndata: b\n', ['a']],
	])('%s', async (_, text, expected) => {
		expect(await read(bodyOf([text]).body)).toEqual(expected)
	})

	test('come out the same, wherever the network cuts them', async () => {
		const texts = fc.array(fc.string({ unit: 'binary', maxLength: 20 }).filter((text) => !/[\r\n]/.test(text) && !text.startsWith(' ')))
		await fc.assert(
			fc.asyncProperty(texts, fc.constantFrom('\n', '\r\n'), fc.array(fc.integer({ min: 1, max: 7 })), async (data, line, sizes) => {
				const bytes = encoder.encode(data.map((one) => `data: ${one}${line}${line}`).join(''))
				const pieces: Uint8Array[] = []
				for (let at = 0, i = 0; at < bytes.length; i++) {
					const size = sizes[i % sizes.length] ?? bytes.length
					pieces.push(bytes.subarray(at, at + size))
					at += size
				}
				// What no UTF-8 can say comes back as the sign for it, whole or in pieces.
				const sayable = data.map((one) => new TextDecoder().decode(encoder.encode(one)))
				expect(await read(bodyOf(pieces).body)).toEqual(sayable)
			}),
			{ numRuns: 25 },
		)
	})
})

describe('a server that', () => {
	test('breaks off is a network error', async () => {
		await expect(read(bodyOf(['data: a\n\n'], 'breaks').body)).rejects.toMatchObject({
			code: 'network',
			message: expect.stringContaining('vllm'),
		})
	})

	test('says nothing any more is given up', async () => {
		const { body, state } = bodyOf(['data: a\n\n'], 'stays')
		await expect(read(body, { stall: 50 })).rejects.toMatchObject({ code: 'deadline-exceeded', message: expect.stringContaining('50 ms') })
		await expect.poll(() => state.cancelled).toBe(true)
	})

	test('only comments says nothing', async () => {
		let timer: ReturnType<typeof setInterval> | undefined
		const body = new ReadableStream<Uint8Array>({
			start(controller) {
				timer = setInterval(() => controller.enqueue(encoder.encode(': ping\n\n')), 10)
			},
			cancel: () => clearInterval(timer),
		})
		await expect(read(body, { stall: 100 })).rejects.toMatchObject({ code: 'deadline-exceeded' })
	})

	test('waits for its reader is not blamed for it', async () => {
		const { body } = bodyOf(['data: a\n\n', 'data: b\n\n'])
		const all: string[] = []
		for await (const data of eventsOf(body, options({ stall: 100 }))) {
			all.push(data)
			await new Promise((resolve) => setTimeout(resolve, 150))
		}
		expect(all).toEqual(['a', 'b'])
	})
})

test('who stops reading lets go of the connection; an abort does, too', async () => {
	const left = bodyOf(['data: a\n\n', 'data: b\n\n'], 'stays')
	for await (const data of eventsOf(left.body, options())) {
		expect(data).toBe('a')
		break
	}
	await expect.poll(() => left.state.cancelled).toBe(true)
	const aborted = bodyOf(['data: a\n\n'], 'stays')
	const controller = new AbortController()
	const reading = read(aborted.body, { signal: controller.signal })
	controller.abort('enough')
	await expect(reading).rejects.toMatchObject({ code: 'aborted', cause: 'enough' })
	expect(aborted.state.cancelled).toBe(true)
})

test('no byte is read ahead of the reader', async () => {
	let pulled = 0
	const body = new ReadableStream<Uint8Array>(
		{
			pull(controller) {
				controller.enqueue(encoder.encode(`data: ${pulled++}\n\n`))
			},
		},
		{ highWaterMark: 0 },
	)
	for await (const data of eventsOf(body, options())) {
		expect(pulled).toBe(Number(data) + 1)
		if (pulled === 5) break
	}
})
