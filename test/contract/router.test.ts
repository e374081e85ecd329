// The executor contract, held by the overflow loop over any two executors, and by the page's stand-in for one that is loaded later.

import { pathToFileURL } from 'node:url'
import type { Executor } from '../../runtime/core/executor.ts'
import { breaker } from '../../runtime/overflow/breaker.ts'
import { overflow } from '../../runtime/overflow/loop.ts'
import { laterEdge } from '../../runtime/page/edge.ts'
import { edgeExecutor } from '../../runtime/remote/edge.ts'
import { serverExecutor } from '../../runtime/remote/server.ts'
import { scripted } from '../runtime/scripted.ts'
import { edgeSubject, infer, type Parts, tensors, texts } from './edge-subject.ts'
import { executorContract, type Subject } from './executor.ts'

type Connection = Parameters<Parts['make']>[0]

const kinds = {
	'in process': ({ own }: Connection) => own.get('m') as Executor,
	'in process, tensors': ({ own }: Connection) => own.get('tiny') as Executor,
	'an edge': edgeExecutor,
	'a server': serverExecutor,
} satisfies Record<string, Parts['make']>

const over = (first: Parts['make'], second: Parts['make'], parts: Omit<Parts, 'make'>, hops: number): (() => Promise<Subject>) => {
	return async () => {
		const subject = await edgeSubject({
			...parts,
			make: (connection) => {
				const two = [first({ ...connection, name: 'first' }), second({ ...connection, name: 'second' })]
				return overflow('both', two)
			},
		})
		return { ...subject, hops }
	}
}

executorContract('a session, else an edge', { make: over(kinds['in process'], kinds['an edge'], texts, 0) })
executorContract('an edge, else a session', { make: over(kinds['an edge'], kinds['in process'], texts, 1) })
executorContract('two edges', { make: over(kinds['an edge'], kinds['an edge'], texts, 1) })

const numbers = {
	...tensors,
	wrong: { 'data that does not fit': infer({ x: { datatype: 'FP32', shape: [1, 4], data: new Float32Array(3) } }) },
}
executorContract('a session for tensors, else a server', { make: over(kinds['in process, tensors'], kinds['a server'], numbers, 0) })
executorContract('a server, else an edge', { make: over(kinds['a server'], kinds['an edge'], numbers, 1) })

/** Fails always; it is passed by after a while, and so costs no more retries. */
const broken = () => scripted({ name: 'broken', fails: 'worker-lost' })
const unable = () => scripted({ name: 'unable', fails: 'worker-lost', estimate: { can: 'no', reason: 'unhealthy' } })

executorContract('one that fails, else an edge', {
	make: async () => ({ ...(await over(broken, kinds['an edge'], texts, 1)()), retries: 1 }),
	elsewhere: ['worker-lost', 'not-found', 'unsupported'],
})
executorContract('one that fails, behind a breaker that has opened, else an edge', {
	make: over(
		() => {
			const guard = breaker({ pause: 60_000 })(scripted({ fails: 'worker-lost' }))
			const lost = { remaining: 1000, signal: new AbortController().signal, hops: 0, retries: { left: 0 }, trace: '' }
			for (let i = 0; i < 3; i++) guard.infer(texts.call(), lost).catch(() => {})
			return guard
		},
		kinds['an edge'],
		texts,
		1,
	),
	elsewhere: ['worker-lost', 'not-found', 'unsupported', 'unavailable'],
})
executorContract('one that says no, else an edge', {
	make: over(unable, kinds['an edge'], texts, 1),
	elsewhere: ['worker-lost', 'not-found', 'unsupported'],
})

executorContract('an edge whose code is loaded later', {
	make: () =>
		edgeSubject({
			...texts,
			make: ({ address, key }) => {
				const disposal = new AbortController()
				const file = pathToFileURL('runtime/remote/page.ts').href
				const edge = laterEdge(file, address, key, true, disposal.signal)
				return {
					...edge,
					dispose: () => {
						disposal.abort()
						return edge.dispose()
					},
				}
			},
		}),
})
