// What the suites of chat completions ask of an edge, and how they read its streams.

import { expect } from 'vitest'
import type { Fault } from '../harness/chat-server.ts'
import { call, keys } from './under-test.ts'

/** The name under which the edge has a model that its upstream answers so. */
export const named = (fault: Fault): string => fault.replaceAll(' ', '-')

export const messages = [{ role: 'user' as const, content: 'how do I true a wheel?' }]

/** Posts completions to an edge. */
export const poster =
	(edge: () => { readonly url: string }) =>
	(json: object, more: object = {}) =>
		call({ ...edge(), space: '' }, '/openai/v1/chat/completions', { key: keys.secret, json: { messages, ...json }, ...more })

/** The data of a stream's events, as they came. */
export const eventsOf = async (response: Response) => {
	const events = (await response.text()).split('\n\n')
	expect(events.pop()).toBe('')
	return events.map((event) => {
		expect(event).toMatch(/^(event: error\n)?data: [^\n]+$/)
		return event.replace(/^(event: error\n)?data: /, '')
	})
}

/** What a stream's events say together. */
export const contentOf = (events: readonly string[]) =>
	events
		.filter((data) => data !== '[DONE]')
		.map((data) => JSON.parse(data).choices?.[0]?.delta.content ?? '')
		.join('')
