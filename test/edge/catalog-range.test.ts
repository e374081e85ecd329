// Ranges and validators, as RFC 9110 has them.

import { describe, expect, test } from 'vitest'
import { readRange } from '../../edge/catalog/range.ts'
import { matches, respond } from '../../edge/catalog/respond.ts'
import { piecesOf } from '../../edge/catalog/whole-file.ts'

describe('Range', () => {
	test.each([
		['bytes=0-0', { start: 0, end: 1 }],
		['bytes=0-9', { start: 0, end: 10 }],
		['bytes=90-', { start: 90, end: 100 }],
		['bytes=90-1000', { start: 90, end: 100 }],
		['bytes=-1', { start: 99, end: 100 }],
		['bytes=-1000', { start: 0, end: 100 }],
		['Bytes = 3-4', 'all'],
		['BYTES=3-4', { start: 3, end: 5 }],
		['bytes= 3-4 ', { start: 3, end: 5 }],
		// Several pieces may be answered with the whole.
		['bytes=0-1,5-6', 'all'],
		['bytes=0-1, 500-600', 'all'],
		['bytes=200-,-0', 'none'],
		['bytes=100-', 'none'],
		['bytes=-0', 'none'],
		// Malformed or of another unit: as if it were not there.
		['bytes=5-3', 'all'],
		['bytes=-', 'all'],
		['bytes=', 'all'],
		['bytes=,', 'all'],
		['bytes=a-b', 'all'],
		['bytes=0-1-2', 'all'],
		['bytes=0x1-2', 'all'],
		['lines=1-2', 'all'],
		['', 'all'],
	])('%j of 100 bytes is %j', (header, expected) => {
		expect(readRange(header, 100)).toEqual(expected)
	})

	test('no header means all, and nothing of an empty file can be had', () => {
		expect(readRange(null, 100)).toBe('all')
		expect(readRange('bytes=0-0', 0)).toBe('none')
	})
})

describe('If-None-Match', () => {
	test.each([
		['"a"', true],
		['W/"a"', true],
		['"b", "a"', true],
		['*', true],
		['"b"', false],
		['a', false],
		['', false],
	])('%j against "a": %j', (header, expected) => {
		expect(matches(header, '"a"')).toBe(expected)
	})
})

describe('a response', () => {
	const bytes = Uint8Array.from({ length: 100 }, (_, index) => index)
	const content = {
		size: 100,
		etag: '"a"',
		type: 'application/octet-stream',
		cache: 'no-cache',
		body: ({ start, end }: { start: number; end: number }) => bytes.subarray(start, end),
	}
	const get = (headers: Record<string, string>, method = 'GET') => respond(new Request('http://x/', { method, headers }), content)

	test('304 wins over a range; it has the validator and no body', async () => {
		const response = get({ 'if-none-match': '"a"', range: 'bytes=0-1' })
		expect(response.status).toBe(304)
		expect(response.headers.get('etag')).toBe('"a"')
		expect(await response.text()).toBe('')
	})

	test('If-Range with another validator gives the whole', async () => {
		expect(get({ range: 'bytes=0-1', 'if-range': '"a"' }).status).toBe(206)
		expect(get({ range: 'bytes=0-1', 'if-range': '"b"' }).status).toBe(200)
		// A weak validator never matches strongly.
		expect(get({ range: 'bytes=0-1', 'if-range': 'W/"a"' }).status).toBe(200)
	})

	test('HEAD has the length and no body, and knows no ranges', () => {
		const response = get({ range: 'bytes=0-1' }, 'HEAD')
		expect(response.status).toBe(200)
		expect(response.headers.get('content-length')).toBe('100')
		expect(response.body).toBeNull()
	})
})

describe('a part of a file', () => {
	const digest = '0'.repeat(64)
	const file = { size: 25, digest, chunks: [10, 10, 5].map((size) => ({ digest, size })) }

	test.each([
		[{ start: 0, end: 25 }, [10, 10, 5]],
		[{ start: 10, end: 20 }, [0, 10]],
		[{ start: 9, end: 11 }, [1, 1]],
		[{ start: 24, end: 25 }, [0, 0, 1]],
	])('%j touches only the chunks that hold it', (range, sizes) => {
		const pieces = piecesOf(file, range)
		expect(pieces.map(({ piece }) => piece.end - piece.start)).toEqual(sizes.filter(Boolean))
	})
})
