// Shadow traffic: compared, thrown away, and waited for by nobody.

import { expect, test } from 'vitest'
import { ask, manage, route, routed, versionKeys } from './versions-under-test.ts'

export function versionsShadowSuite(edge: () => { url: string }): void {
	const { url, answers } = routed(edge)

	test('shadow traffic is compared and thrown away, and nobody waits for it', async () => {
		const shadow = { version: '1.1.0', share: 1 }
		await manage(url(), 'PUT', route, { split: [{ version: '1.0.0', weight: 1 }], shadow })
		await answers('1.0.0')
		for (let i = 0; i < 5; i++) expect(await ask(url())).toMatchObject({ version: '1.0.0' })
		const compared = async (other: string) =>
			(await manage(url(), 'GET', '/models/numbers')).body.shadow.find((one) => one.version === '1.0.0' && one.shadow === other)
		await expect.poll(async () => (await compared('1.1.0'))?.outcomes.different).toBeGreaterThanOrEqual(5)
		// 40 and 44.
		expect(await compared('1.1.0')).toMatchObject({
			largestDifference: 4,
			last: { detail: expect.stringContaining('largest difference 4') },
		})
		// As far apart as is allowed is the same.
		await manage(url(), 'PUT', route, {
			split: [{ version: '1.0.0', weight: 1 }],
			shadow: { version: '2.0.0', tolerance: { cosine: 0.9 } },
		})
		await expect
			.poll(async () => (await ask(url())) && (await compared('2.0.0'))?.outcomes.same, { timeout: 10_000, interval: 100 })
			.toBeGreaterThanOrEqual(1)
		// One that fails costs nobody anything.
		await manage(url(), 'PUT', route, { split: [{ version: '1.0.0', weight: 1 }], shadow: { version: '1.2.0' } })
		await expect
			.poll(async () => (await ask(url())).version === '1.0.0' && (await compared('1.2.0'))?.outcomes.failed, {
				timeout: 10_000,
				interval: 100,
			})
			.toBeGreaterThanOrEqual(1)
		const figures = await (await fetch(`${url()}/metrics`, { headers: { authorization: `Bearer ${versionKeys.metrics}` } })).text()
		expect(figures).toMatch(/^spillway_shadow_total\{model="numbers",version="1.0.0",shadow="1.1.0",outcome="different"\} \d+$/m)
		expect(figures).toMatch(/^spillway_version_calls_total\{model="numbers",version="1.0.0",code="ok"\} \d+$/m)
		await manage(url(), 'DELETE', route)
		await answers('2.0.0')
	})
}
