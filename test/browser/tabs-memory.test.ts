// Five tabs hold one set of weights.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { generateSigningKey } from '../../models/format/keys.ts'
import { atEnd } from '../fixtures/at-end.ts'
import { getBrowser } from './launch.ts'
import { addMinilm } from './models.ts'
import { staticHost } from './page.ts'
import { openTabs } from './tabs-open.ts'

test('the shipped model in five tabs takes little more than in one', { timeout: 240_000 }, async () => {
	const folder = await mkdtemp(join(tmpdir(), 'spillway-minilm-'))
	atEnd(() => rm(folder, { recursive: true }))
	const key = await generateSigningKey()
	await addMinilm({ folder, key })
	const site = await staticHost({ folder }, { isolated: true })
	const browser = await getBrowser(['--enable-blink-features=ForceEagerMeasureMemory'])

	/** Bytes of JavaScript and WebAssembly in each of so many tabs and their workers, when all have used the model. */
	async function measure(count: number, shared: boolean): Promise<number[]> {
		const tabs = await openTabs(browser, site, count, { trust: [key.x], shared, workers: 1, threads: 1 })
		const bytes: number[] = []
		for (const page of tabs.pages)
			await page.evaluate(() =>
				window.runtime
					.model('minilm')
					.embed(['hello'], { deadline: 120_000 })
					.then(() => {}),
			)
		for (const page of tabs.pages) {
			const devtools = await page.context().newCDPSession(page)
			await devtools.send('HeapProfiler.collectGarbage')
			bytes.push(
				await page.evaluate(async () => {
					const { measureUserAgentSpecificMemory: measure } = performance as unknown as {
						measureUserAgentSpecificMemory(): Promise<{ bytes: number }>
					}
					return (await measure.call(performance)).bytes
				}),
			)
		}
		await tabs.close()
		return bytes
	}

	const [alone = 0] = await measure(1, false)
	const [leader = 0, ...guests] = await measure(5, true)
	// The weights alone are 23 MB, so no guest has a second set of them, nor a second ONNX Runtime.
	for (const guest of guests) expect(guest).toBeLessThan(0.1 * alone)
	expect(leader + guests.reduce((sum, one) => sum + one)).toBeLessThan(1.25 * alone)
})
