// An upstream is asked only for the version that it has.

import { SpillwayError } from '../../runtime/core/error.ts'
import { cannot, type Executor } from '../../runtime/core/executor.ts'
import { satisfies } from '../../runtime/core/version.ts'
import type { Offered } from './serving.ts'

/**
 * Tells whether an upstream has a version, as things stand: several versions of a model may be served at once, and weights of another one would
 * answer wrongly without anybody noticing.
 *
 * @param serves the versions that the upstream answers for, as a version or range. Default: the one that the channel names, for whoever runs the
 *   upstream moves it along.
 */
export const hasVersion =
	({ version, packed }: Pick<Offered, 'version' | 'packed'>, serves: string | undefined): (() => boolean) =>
	() =>
		serves === undefined ? (packed?.current() ?? true) : satisfies(version, serves)

/**
 * @param inner of the upstream.
 * @param has as {@link hasVersion} makes it.
 * @returns the same, which refuses calls with `unsupported` while the upstream has another version.
 */
export function onlyFor<Inner extends Executor>(inner: Inner, version: string, has: () => boolean): Inner {
	const why = `${inner.name} has another version than ${version}`
	return {
		...inner,
		estimate: (call) => (has() ? inner.estimate(call) : cannot('unsupported', why)),
		infer: (call, context) => (has() ? inner.infer(call, context) : Promise.reject(new SpillwayError('unsupported', why))),
	}
}
