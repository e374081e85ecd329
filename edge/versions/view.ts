// A version as a route serves it: its answers say why it was this one, and calls may be copied to another.

import type { Provider } from '../../models/format/manifest.ts'
import type { Executor } from '../../runtime/core/executor.ts'
import type { ServedModel } from '../parts.ts'
import type { Bounds } from './compare.ts'
import type { Serving } from './serving.ts'
import { type ShadowOptions, shadowed } from './shadow.ts'

/** Shadow traffic of a model. */
export interface Copying extends Pick<ShadowOptions, 'share' | 'told'> {
	/** Default: that of the version's golden samples. */
	readonly tolerance: Bounds | undefined
	readonly provider: Provider
	/** The version that the copies go to. */
	other(): Promise<Serving | undefined>
}

/** A version in one place of the routing. */
export interface View {
	readonly serving: Serving
	/** @param why it is this version; undefined when there is no choice. */
	because(why: string | undefined): ServedModel
	/** As it was asked for last. */
	last(): ServedModel
}

/** @param copying where calls are copied to. */
export function viewOf(serving: Serving, copying: Copying | undefined): View {
	const executor = copying ? withShadow(serving, copying) : serving.executor
	const plain: ServedModel = copying ? { ...serving, executor } : serving
	/** By the reason; there are few. */
	const made = new Map<string | undefined, ServedModel>([[undefined, plain]])
	let last = plain
	return {
		serving,
		because(why) {
			last = made.get(why) ?? { ...serving, executor: explained(executor, why as string) }
			made.set(why, last)
			return last
		},
		last: () => last,
	}
}

function explained(inner: Executor, route: string): Executor {
	return {
		...inner,
		async infer(call, context) {
			const { emit } = context
			const answer = await inner.infer(call, {
				...context,
				emit: emit && ((part) => emit(part.ran ? { ...part, ran: { ...part.ran, route } } : part)),
			})
			return { ...answer, ran: { ...answer.ran, route } }
		},
	}
}

function withShadow({ name, version, digest, executor }: Serving, { share, tolerance, provider, other, told }: Copying): Executor {
	return shadowed(executor, {
		model: name,
		version,
		share,
		told,
		async other() {
			const found = await other()
			if (!found || found.digest === digest) return undefined
			const { manifest, variant } = found
			const bounds = tolerance ?? manifest?.variants[variant ?? '']?.graphs[provider]?.tolerance ?? {}
			return { version: found.version, executor: found.executor, bounds }
		},
	})
}
