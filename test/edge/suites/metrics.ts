// `/metrics`: figures that are true, for those who may read them.

import { expect, test } from 'vitest'
import { figuresOf, valueIn } from '../figures.ts'
import { call, type EdgeUnderTest, keys } from './under-test.ts'

export function metricsSuite(edge: () => EdgeUnderTest): void {
	const text = () => figuresOf(edge())

	/** Figures are reported behind the answer: waits until they are there. */
	const settled = async (reached: (figures: string) => boolean): Promise<string> => {
		for (let i = 0; i < 100; i++) {
			const figures = await text()
			if (reached(figures)) return figures
			await new Promise((resolve) => setTimeout(resolve, 50))
		}
		throw new Error(`the figures did not come:\n${await text()}`)
	}

	test('needs a key with its scope', async () => {
		expect((await call(edge(), '/metrics')).status).toBe(401)
		expect((await call(edge(), '/metrics', { key: keys.secret })).status).toBe(403)
		const response = await call(edge(), '/metrics', { key: keys.metrics })
		expect(response.status).toBe(200)
		expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/)
		expect(await response.text()).toMatch(/^spillway_build_info\{version="[^"]+",platform="[^"]+"\} 1$/m)
	})

	test('counts requests, inferences, bytes and errors', async () => {
		const before = await text()
		const requests = { route: '/v1/tasks/:task', method: 'POST', protocol: 'task' }
		let bytes = 0
		for (let i = 0; i < 5; i++) {
			const response = await call(edge(), '/v1/tasks/embed', { key: keys.secret, json: { model: 'm', input: ['hello'] } })
			bytes += (await response.arrayBuffer()).byteLength
		}
		const refused = await call(edge(), '/v1/tasks/embed', { key: keys.secret, json: { model: 'nope', input: ['hello'] } })
		bytes += (await refused.arrayBuffer()).byteLength
		const gained = (after: string, name: string, labels: Record<string, string>) =>
			valueIn(after, name, labels) - valueIn(before, name, labels)
		const after = await settled((figures) => gained(figures, 'spillway_http_requests_total', requests) >= 6)
		expect(gained(after, 'spillway_http_requests_total', { ...requests, status: '200' })).toBe(5)
		expect(gained(after, 'spillway_http_requests_total', { ...requests, status: '404' })).toBe(1)
		expect(gained(after, 'spillway_http_request_duration_seconds_count', { route: '/v1/tasks/:task' })).toBe(6)
		expect(gained(after, 'spillway_inferences_total', { model: 'm', executor: 'edge' })).toBe(5)
		expect(gained(after, 'spillway_errors_total', { code: 'not-found', protocol: 'task' })).toBe(1)
		expect(
			gained(
				await settled((figures) => gained(figures, 'spillway_sent_bytes_total', { kind: 'task' }) >= bytes),
				'spillway_sent_bytes_total',
				{ kind: 'task' },
			),
		).toBe(bytes)
	})

	test('tells distributed bytes by their kind', async () => {
		const before = await text()
		const [, digest] = /@([0-9a-f]{64})\//.exec(edge().space) ?? []
		const sizes: Record<string, number> = {}
		for (const [kind, path] of [
			['channel', '/models/m/channel.jws'],
			['manifest', `/models/manifests/${digest}.json`],
			['file', '/models/m/1.0.0/files/tokenizer.json'],
		] as const) {
			const response = await call(edge(), path)
			expect(response.status, path).toBe(200)
			sizes[kind] = (await response.arrayBuffer()).byteLength
		}
		const { files } = (await (await call(edge(), `/models/manifests/${digest}.json`)).json()) as {
			files: Record<string, { chunks: { digest: string; size: number }[] }>
		}
		sizes.manifest = (sizes.manifest ?? 0) * 2
		const chunk = Object.values(files)[0]?.chunks[0]
		sizes.chunk = (await (await call(edge(), `/models/chunks/${chunk?.digest}`)).arrayBuffer()).byteLength
		expect(sizes.chunk).toBe(chunk?.size)
		for (const [kind, size] of Object.entries(sizes)) {
			const name = 'spillway_sent_bytes_total'
			const after = await settled((figures) => valueIn(figures, name, { kind }) - valueIn(before, name, { kind }) >= size)
			expect(valueIn(after, name, { kind }) - valueIn(before, name, { kind }), kind).toBe(size)
		}
	})

	test('paths that no one planned make no new series', async () => {
		for (let i = 0; i < 5; i++) await (await call(edge(), `/nope-${i}?a=${i}`)).arrayBuffer()
		const figures = await settled((figures) => valueIn(figures, 'spillway_http_requests_total', { route: 'other', status: '404' }) >= 5)
		expect(figures).not.toMatch(/nope-/)
	})
}
