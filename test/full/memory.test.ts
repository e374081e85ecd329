// Memory is given back, over a hundred loads and disposals in one page.

import { afterAll, beforeAll, test } from 'vitest'
import { cyclesKeepMemory, type MeasuredPage, openMeasured } from '../browser/memory-page.ts'

let measured: MeasuredPage
beforeAll(async () => {
	measured = await openMeasured()
})
afterAll(() => measured?.page.context().close())

test('100 times loaded and disposed of: memory does not grow, and no worker is left', { timeout: 600_000 }, () =>
	cyclesKeepMemory(measured, 100, 20),
)
