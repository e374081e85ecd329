// A newer model at the help desk: it comes in the background, is offered, and serves when the customer says so.

import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { canonicalBytes } from '../../models/format/canonical.ts'
import { readChannel, signChannel } from '../../models/format/channel.ts'
import { digestOf } from '../../models/format/digest.ts'
import { generateSigningKey } from '../../models/format/keys.ts'
import { channelPath, manifestPath } from '../../models/format/layout.ts'
import { getBrowser } from '../browser/launch.ts'
import { ask, openDesk, ready } from '../demo/desk.ts'
import { openShop } from '../demo/shop.ts'
import { atEnd } from '../fixtures/at-end.ts'

/** Publishes the same model under another version: only its manifest is new. */
async function publish(folder: string, version: string): Promise<void> {
	const channelFile = join(folder, channelPath('minilm'))
	const channel = readChannel(await readFile(channelFile, 'utf8'))
	const manifest = JSON.parse(await readFile(join(folder, manifestPath(channel.manifest)), 'utf8')) as object
	const bytes = canonicalBytes({ ...manifest, version })
	const digest = await digestOf(bytes)
	await writeFile(join(folder, manifestPath(digest)), bytes)
	await writeFile(
		channelFile,
		await signChannel({ ...channel, version, manifest: digest, serial: channel.serial + 1 }, await generateSigningKey()),
	)
}

test('a newer model is offered when it is on this device, and serves when it is taken', async () => {
	const folder = await mkdtemp(join(tmpdir(), 'spillway-published-'))
	atEnd(() => rm(folder, { recursive: true }))
	await cp(join(import.meta.dirname, '../../dist/packed'), folder, { recursive: true })
	const shop = await openShop(folder)
	const page = await openDesk(await (await getBrowser()).newContext(), shop.origin)
	await ready(page)

	await publish(folder, '1.0.1')
	// The edge believes a channel for some seconds.
	const published = async () => readChannel((await (await fetch(`${shop.origin}/models/minilm/channel.jws`)).text()).trim()).version
	await expect.poll(published).toBe('1.0.1')
	const before = shop.asked.length
	await page.reload()
	await page.waitForSelector('#newer:not([hidden])')
	// Nothing but what is new was fetched, and what serves is what served before.
	expect(shop.asked.slice(before).filter((path) => path.startsWith('/models/chunks/'))).toEqual([])
	/** The version that answers, out of the technical details. */
	const version = async () => {
		await ask(page, 'unsubscribe')
		return /minilm · ([\d.]+) · int8/.exec((await page.textContent('#route')) ?? '')?.[1]
	}
	expect(await version()).toBe('1.0.0')
	await page.click('#newer-now')
	await page.waitForFunction(() => document.querySelector('#newer')?.hasAttribute('hidden'))
	await expect.poll(version, { timeout: 30_000 }).toBe('1.0.1')
	await ready(page)
})
