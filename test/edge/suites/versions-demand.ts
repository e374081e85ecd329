// Models that are loaded on demand, by a call or by an admin, over Triton's model repository, too.

import { describe, expect, test } from 'vitest'
import { ask, manage, routed, versionKeys } from './versions-under-test.ts'

export function versionsDemandSuite(edge: () => { url: string }): void {
	const { url } = routed(edge)

	test("the model repository is there for Triton's clients", async () => {
		const repository = async (path: string, key: string, json?: unknown) => {
			const body = json === undefined ? '' : JSON.stringify(json)
			const response = await fetch(`${url()}/v2/repository/${path}`, { method: 'POST', headers: { authorization: `Bearer ${key}` }, body })
			return { status: response.status, body: await response.json() }
		}
		const index = async () =>
			(await repository('index', versionKeys.admin)).body as { name: string; version: string; state: string; reason: string }[]
		expect((await repository('index', versionKeys.callers[0] ?? '')).status).toBe(403)
		expect(await index()).toContainEqual(
			expect.objectContaining({ name: 'numbers', version: '1.2.0', state: 'UNAVAILABLE', reason: expect.stringContaining('golden') }),
		)
		// As the clients send them.
		expect((await repository('models/rare-b/load', versionKeys.admin, { parameters: {} })).status).toBe(200)
		expect(await index()).toContainEqual({ name: 'rare-b', version: '1.0.0', state: 'READY', reason: '' })
		expect((await repository('models/rare-b/unload', versionKeys.admin, { parameters: { unload_dependents: false } })).status).toBe(200)
		expect(await index()).toContainEqual({ name: 'rare-b', version: '1.0.0', state: 'UNAVAILABLE', reason: 'unloaded' })
		expect(await repository('models/rare-b/load', versionKeys.admin, { parameters: { config: '{}' } })).toMatchObject({
			status: 422,
			body: { error: expect.stringContaining('config') },
		})
		expect((await repository('models/nobody/load', versionKeys.admin)).status).toBe(404)
	})

	describe('models on demand', () => {
		const rare = ['rare-a', 'rare-b', 'rare-c', 'rare-d']

		test('answer by turns, and all at once, in memory for two', async () => {
			for (let round = 0; round < 2; round++)
				for (const [at, path] of rare.entries())
					expect(await ask(url(), { path })).toMatchObject({
						status: 200,
						body: { outputs: [{ data: [at + 1, 2 * at + 2, 3 * at + 3, 4 * at + 4] }] },
					})
			const states = await Promise.all(rare.map(async (name) => (await manage(url(), 'GET', `/models/${name}`)).body.versions[0]?.state))
			expect(states).toEqual(['unloaded', 'unloaded', 'ready', 'ready'])
		})

		test('are loaded and unloaded when an admin says so', async () => {
			const state = async () => (await manage(url(), 'GET', '/models/rare-a')).body.versions[0]?.state
			expect((await manage(url(), 'POST', '/models/rare-a/versions/1.0.0/load')).status).toBe(200)
			expect(await state()).toBe('ready')
			expect((await manage(url(), 'POST', '/models/rare-a/versions/1.0.0/unload')).status).toBe(200)
			expect(await state()).toBe('unloaded')
			// A probe does not load it, and a call does.
			expect((await fetch(`${url()}/v2/models/rare-a/ready`)).status).toBe(200)
			expect(await state()).toBe('unloaded')
			expect((await ask(url(), { path: 'rare-a' })).status).toBe(200)
			expect(await state()).toBe('ready')
		})
	})
}
