// The storage contract in any browser, over each kind of storage.

import { beforeAll, expect, test, vi } from 'vitest'
import { type Act, openedAtOnce, storageIn, storageSite } from '../browser/storage-site.ts'
import { atEnd } from '../fixtures/at-end.ts'
import { storageContract } from '../runtime/store-contract.ts'
import type { BrowserUnderTest } from './tab.ts'

/**
 * @param launch starts the browser; called once.
 * @param kinds that work there, the first one taken first.
 */
export function storageInBrowser(launch: () => Promise<BrowserUnderTest>, kinds: readonly ('opfs' | 'cache')[]): void {
	let browser: BrowserUnderTest
	let opened = 0

	beforeAll(async () => {
		const site = await storageSite()
		browser = await launch()
		atEnd(() => browser.close())
		await browser.open(`${site.origin}/index.html`)
		await vi.waitFor(async () => expect(await browser.evaluate<boolean>("return 'act' in window")).toBe(true), { timeout: 20_000 })
	})

	const act: Act = (worker, action) => browser.evaluate(`return act(${JSON.stringify(worker)}, ${JSON.stringify(action)})`)

	for (const kind of ['first', ...kinds] as const) storageContract(kind, () => storageIn(act, `contract-${opened++}`, kind))

	test('what works best is taken first', async () => {
		expect((await storageIn(act, 'first', 'first')).bytes.kind).toBe(kinds[0])
	})

	test('several threads that open it at once take the same', async () => {
		for (let round = 0; round < 5; round++) expect(await openedAtOnce(act, `at-once-${round}`)).toEqual([kinds[0]])
	})
}
