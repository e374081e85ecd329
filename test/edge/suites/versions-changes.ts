// Changing routes over the admin API: who may, what is refused, how to go back, and who did what.

import { expect, test } from 'vitest'
import { type Answered, ask, manage, route, routed, versionKeys } from './versions-under-test.ts'

export function versionsChangesSuite(edge: () => { url: string }): void {
	const { url, answers } = routed(edge)

	test('the admin API needs a key with its scope', async () => {
		const status = async (key?: string) =>
			(await fetch(`${url()}/admin/models`, { headers: key === undefined ? {} : { authorization: `Bearer ${key}` } })).status
		expect(await status()).toBe(401)
		expect(await status(versionKeys.callers[0])).toBe(403)
		expect(await status(versionKeys.admin)).toBe(200)
		// Not for pages, whatever key they have.
		const response = await fetch(`${url()}/admin/models`, {
			headers: { authorization: `Bearer ${versionKeys.admin}`, origin: 'https://app.example.com' },
		})
		expect(response.status).toBe(403)
		expect(response.headers.get('access-control-allow-origin')).toBeNull()
		// And a key of the admin's may not call models.
		expect((await ask(url(), { key: versionKeys.admin })).status).toBe(403)
	})

	test('a slip is refused before it becomes a route', async () => {
		const fault = async (routing: unknown, headers = {}) => manage(url(), 'PUT', route, routing, headers)
		expect(await fault({ split: [{ version: '1.9.0', weight: 1 }] })).toMatchObject({
			status: 400,
			body: { detail: expect.stringContaining('1.9.0') },
		})
		expect(await fault({ split: [{ version: '1.0.0', weight: 0 }] })).toMatchObject({ status: 400 })
		expect(await fault({ split: [{ version: 'canary', weight: 1 }] })).toMatchObject({
			status: 400,
			body: { detail: expect.stringContaining('labels') },
		})
		expect(await fault({ splits: [] })).toMatchObject({ status: 400 })
		expect(await fault({ labels: { canary: 'f'.repeat(64) } })).toMatchObject({ status: 404 })
		expect(await manage(url(), 'PUT', '/models/nobody/routing', {})).toMatchObject({ status: 404 })
		const { body } = await manage(url(), 'GET', '/models/numbers')
		expect(await fault({}, { 'if-match': `"${body.revision - 1}"` })).toMatchObject({ status: 412 })
		// A condition that is not understood must not count as none.
		expect(await fault({}, { 'if-match': '"latest"' })).toMatchObject({ status: 400 })
		expect(await fault({}, { 'if-match': `"${body.revision - 1}", "${body.revision - 2}"` })).toMatchObject({ status: 400 })
		expect(await fault({}, { 'if-match': `"${body.revision}"` })).toMatchObject({ status: 200 })
		await answers('2.0.0')
	})

	test('roll-back is at once, takes back the last change, and no call is lost on the way', async () => {
		await manage(url(), 'PUT', route, { split: [{ version: '1.0.0', weight: 1 }] })
		await answers('1.0.0')
		let over = false
		const seen: Answered[] = []
		const load = Promise.all(
			Array.from({ length: 4 }, async () => {
				while (!over) seen.push(await ask(url()))
			}),
		)
		await manage(url(), 'PUT', route, { split: [{ version: '1.1.0', weight: 1 }] })
		await answers('1.1.0')
		expect(await manage(url(), 'POST', '/models/numbers/roll-back')).toMatchObject({ status: 200 })
		// Where it was asked for it counts from here on; other isolates follow.
		await answers('1.0.0')
		await new Promise((resolve) => setTimeout(resolve, 100))
		over = true
		await load
		expect(seen.filter(({ status }) => status !== 200)).toEqual([])
		expect(seen.at(-1)?.version).toBe('1.0.0')
		// As configured again.
		await manage(url(), 'DELETE', route)
		await answers('2.0.0')
	})

	test('who changed what is told', async () => {
		const { body } = await manage(url(), 'GET', '/changes')
		const changes = body.changes as { by: string; action: string; model: string; at: number }[]
		expect(changes.at(-1)).toMatchObject({ by: 'admin', action: 'clear', model: 'numbers', after: null })
		expect(changes.map(({ action }) => action)).toContain('roll-back')
		expect(Math.abs((changes.at(-1)?.at ?? 0) - Date.now())).toBeLessThan(60_000)
	})
}
