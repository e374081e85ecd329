// An engine worker that lives and does not answer: it is ended, and another one does its work.

import { expect, test } from 'vitest'
import { lifecyclePage } from '../browser/lifecycle-page.ts'
import { blockSession } from '../browser/page.ts'
import { expectedVector } from '../runtime/tiny.ts'

const on = lifecyclePage()
const hello = expectedVector([2, 4, 5, 3]).map((value) => expect.closeTo(value, 5))

test('an engine that hangs: what was asked of it is answered by another one', async () => {
	await on.open()
	await on.load('tiny-text')
	await blockSession(on.page, 600_000, 'engine.js')
	await new Promise((resolve) => setTimeout(resolve, 100))
	const loading = on.load('tiny-pixels')
	expect((await on.embed({ deadline: 100_000 })).vectors).toEqual([hello])
	expect(await loading).toBe('none')
	// Chromium gives a thread that is busy some seconds before it ends it.
	await expect.poll(() => on.living()).toEqual(['engine', 'session', 'session'])
})
