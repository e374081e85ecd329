// Models in Durable Objects, seen from the Worker: an executor like any other.

import { spaceOf } from '../../../runtime/core/call.ts'
import { SpillwayError } from '../../../runtime/core/error.ts'
import type { Executor } from '../../../runtime/core/executor.ts'
import { remoteExecutor } from '../../../runtime/remote/remote.ts'
import { checkModel } from '../../../runtime/session/session.ts'
import type { Standing } from '../../versions/serving.ts'
import type { Answering, Version } from '../served.ts'
import type { Fetcher, ObjectNamespace } from './bindings.ts'
import { inLine } from './in-line.ts'
import { decodeAnswer, encodeCall } from './message.ts'

/** Runs a version in the Durable Object of its own, which is named by the version's space. */
export function inObject(version: Version, objects: ObjectNamespace): Required<Answering> {
	const { name, digest, manifest, variant } = version
	const space = spaceOf(name, digest, variant)
	// A stub belongs to the request that made it, so each request makes its own.
	const stub = (): Fetcher => objects.get(objects.idFromName(space))
	const address = (action: string) => `https://model.invalid/${digest}/${variant}/${action}`
	/** That it was seen loaded. The platform may have ended the object since: a call then waits for it. */
	let seen = false

	const remote = remoteExecutor(
		{ name: 'edge', fetch: (url, init) => stub().fetch(url, init) },
		{
			accepts: ['tensors', ...(manifest.task ? [manifest.task.kind] : [])],
			request(call, { remaining, hops, trace, priority = 'normal' }) {
				checkModel(call.model, manifest, space)
				const { body, headers } = encodeCall(call)
				const more = {
					'spillway-time-left': String(Math.floor(remaining)),
					'spillway-hops': String(hops),
					'spillway-priority': priority,
					traceparent: trace,
				}
				return { url: address('infer'), message: { body, headers: { ...headers, ...more } } }
			},
			answer(call, { body, headers }) {
				seen = true
				return decodeAnswer(call, body, headers)
			},
		},
	)
	const line = inLine()
	const executor: Executor = {
		...remote,
		async infer(call, context) {
			const ended = line.sent()
			let answered = false
			try {
				const answer = await remote.infer(call, context)
				answered = true
				return answer
			} finally {
				ended(answered)
			}
		},
		estimate(call) {
			const measured = remote.estimate(call)
			const expected = { ...measured, queue: line.queue() ?? measured.queue }
			return seen || expected.can === 'no'
				? expected
				: { ...expected, can: 'loading', reason: 'loading', detail: 'edge may still be loading' }
		},
	}

	async function ask(action: 'ready' | 'loaded' | 'standing' | 'unload'): Promise<unknown> {
		const response = await stub().fetch(address(action))
		const body = (await response.json()) as { detail?: string }
		if (!response.ok) throw new SpillwayError('unavailable', `${name} could not be loaded: ${body.detail}`)
		return body
	}

	return {
		executor,
		async ready() {
			const ready = await ask('ready').catch(() => false)
			seen ||= ready === true
			return ready === true
		},
		async loaded() {
			await ask('loaded')
			seen = true
		},
		standing: async () => (await ask('standing')) as Standing,
		async unload() {
			await ask('unload')
			seen = false
		},
	}
}
