// Texts for the tests of lines, and what these open.

import { afterEach } from 'vitest'
import type { EmbedCall } from '../../runtime/core/call.ts'
import { createTokenizer } from '../../runtime/tasks/tokenizer.ts'
import { tokenizerJson } from './tiny.ts'

export const bytes = new TextEncoder().encode(JSON.stringify(tokenizerJson))
export const tokenizer = createTokenizer(bytes, 12)
export const name = 'tiny-text'
export const embed = (...input: string[]): EmbedCall => ({ kind: 'task', task: 'embed', model: { name }, input })

export const patient = { timeout: 20_000 }

/** Done after each test. */
export const ends: (() => void)[] = []
afterEach(() => {
	for (const end of ends.splice(0)) end()
})
