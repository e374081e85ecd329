// Before a session serves it answers the manifest's golden samples: quantized kernels are wrong on some devices.

import { graphFor } from '../../models/format/graph.ts'
import type { Graph, Manifest, Provider } from '../../models/format/manifest.ts'
import { fromTensorData, within } from '../../models/format/tensor-data.ts'
import { messageOf, SpillwayError } from '../core/error.ts'
import type { Executor } from '../core/executor.ts'
import type { Tensors } from '../core/tensor.ts'
import { traceParent } from '../core/trace.ts'

/** What the golden check found, to be remembered under a `verdictKey`. `reason` is `null` when all samples passed. */
export interface Verdict {
	readonly reason: string | null
}

/** A verdict holds for one build of one browser (or Node, or edge): others may compute differently. */
export interface VerdictSubject {
	/** The manifest's digest. */
	digest: string
	variant: string
	provider: Provider
	/** Whatever names the runtime's build, e.g. ONNX Runtime's version and the user agent. */
	build: string
}

export const verdictKey = ({ digest, variant, provider, build }: VerdictSubject): string => `${digest}/${variant}/${provider}/${build}`

export interface JudgeOptions {
	manifest: Manifest
	variant: string
	provider: Provider
	/** Milliseconds that all samples may take together. Default: 120,000. */
	remaining?: number
	signal?: AbortSignal
}

export interface CheckOptions extends JudgeOptions {
	/** What an earlier check found: it is believed, and no sample is run. */
	verdict?: Verdict | undefined
	/** Told what this check found. */
	remember?(verdict: Verdict): void | Promise<void>
}

/**
 * Lets a session serve only when its answers to the golden samples are within the manifest's tolerance.
 *
 * @returns the same session.
 * @throws SpillwayError `golden-mismatch` with figures; the session is disposed then. What the session throws is passed on, and not remembered.
 * @example const executor = await checked(await createSession(…), { manifest, variant, provider })
 */
export async function checked(session: Executor, options: CheckOptions): Promise<Executor> {
	try {
		const verdict = options.verdict ?? (await judge(session, options))
		if (!options.verdict) await options.remember?.(verdict)
		mustPass(verdict, options)
		return session
	} catch (error) {
		// Not waited for: it may stand behind a run that does not come back.
		session.dispose().catch(() => {})
		throw error
	}
}

/** @throws SpillwayError `golden-mismatch` when the verdict is that samples failed. */
export function mustPass(
	{ reason }: Verdict,
	{ manifest, variant, provider }: Pick<JudgeOptions, 'manifest' | 'variant' | 'provider'>,
): void {
	if (reason !== null)
		throw new SpillwayError(
			'golden-mismatch',
			`${manifest.model} ${manifest.version} (${variant}) computes wrongly on ${provider} here: ${reason}`,
		)
}

/** Runs the golden samples. What the session throws is passed on. */
export async function judge(session: Executor, options: JudgeOptions): Promise<Verdict> {
	const { manifest, variant, provider, remaining = 120_000, signal = new AbortController().signal } = options
	const graph = graphFor(manifest, variant, provider) as Graph
	const end = performance.now() + remaining
	for (const golden of manifest.variants[variant]?.golden ?? []) {
		const tensors: Tensors = Object.fromEntries(Object.entries(golden.inputs).map(([name, data]) => [name, fromTensorData(data)]))
		const answer = await session
			.infer(
				{ kind: 'tensors', model: { name: manifest.model }, tensors },
				{ remaining: end - performance.now(), signal, hops: 0, retries: { left: 0 }, trace: traceParent() },
			)
			.catch((cause) => {
				const { code } = SpillwayError.from(cause)
				throw new SpillwayError(code, `golden sample ${JSON.stringify(golden.name)}: ${messageOf(cause)}`, { cause })
			})
		if (answer.output.kind !== 'tensors') throw new SpillwayError('internal', 'a session answered with no tensors')
		for (const [name, expected] of Object.entries(golden.outputs)) {
			const actual = answer.output.tensors[name]
			const reason = actual ? within(graph.tolerance, expected, actual) : 'is missing'
			if (reason !== null) return { reason: `golden sample ${JSON.stringify(golden.name)}: ${name} ${reason}` }
		}
	}
	return { reason: null }
}
