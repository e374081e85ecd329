// Versions as callers name them: by number, by range, by label, in each protocol; and one that fails its golden samples.

import { expect, test } from 'vitest'
import { ask, manage, routed, versionKeys } from './versions-under-test.ts'

export function versionsNamedSuite(edge: () => { url: string }): void {
	const { url } = routed(edge)

	test('a call gets the current version, the one that it asks for, or the one that a label stands for', async () => {
		expect(await ask(url())).toMatchObject({ version: '2.0.0' })
		expect(await ask(url(), { path: 'numbers/versions/1.1.0' })).toMatchObject({ version: '1.1.0' })
		expect(await ask(url(), { path: 'numbers/versions/1' })).toMatchObject({ status: 503 })
		expect(await ask(url(), { path: 'numbers/versions/stable' })).toMatchObject({ version: '1.0.0', route: 'label stable' })
		expect(await ask(url(), { path: 'numbers/versions/next' })).toMatchObject({ version: '2.0.0' })
		const missing = await ask(url(), { path: 'numbers/versions/3' })
		expect(missing).toMatchObject({ status: 404, body: { error: expect.stringContaining('2.0.0') } })
		expect((await ask(url(), { path: 'numbers/versions/canary' })).status).toBe(404)
	})

	test('TensorFlow Serving’s paths name versions and labels, too', async () => {
		const predict = async (place: string) => {
			const response = await fetch(`${url()}/v1/models/numbers${place}:predict`, {
				method: 'POST',
				headers: { authorization: `Bearer ${versionKeys.callers[0]}` },
				body: '{"instances":[[1,2,3,4]]}',
				signal: AbortSignal.timeout(30_000),
			})
			const { predictions, error } = (await response.json()) as { predictions?: number[][]; error?: string }
			return predictions?.[0]?.[0] ?? error
		}
		expect(await predict('')).toBe(20)
		expect(await predict('/versions/1.1.0')).toBe(11)
		expect(await predict('/versions/2')).toBe(20)
		expect(await predict('/labels/stable')).toBe(10)
		expect(await predict('/labels/nope')).toMatch(/nope/)
		const { model_version_status } = (await (await fetch(`${url()}/v1/models/numbers/labels/stable`)).json()) as {
			model_version_status: object[]
		}
		expect(model_version_status).toMatchObject([{ version: '1', state: 'AVAILABLE' }])
	})

	test('one that fails its golden samples answers no call, and tells why', async () => {
		expect(await ask(url(), { path: 'numbers/versions/1.2.0' })).toMatchObject({
			status: 503,
			body: { code: 'golden-mismatch', error: expect.stringContaining('golden') },
		})
		const { body } = await manage(url(), 'GET', '/models/numbers')
		expect(body.versions.find(({ version }) => version === '1.2.0')).toMatchObject({
			state: 'failed',
			detail: expect.stringContaining('golden'),
		})
	})
}
