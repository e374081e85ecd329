// spillway embed <texts…>

import { fileURLToPath } from 'node:url'
import type { Command } from 'commander'
import type { EmbedCall, EmbedOutput, Provenance } from '../../runtime/core/call.ts'
import type { Executor } from '../../runtime/core/executor.ts'
import { packageFolder } from './package.ts'
import { printJson, printTable } from './print.ts'

interface Options {
	model: string
	models: string
	url?: string
	key?: string
	json?: true
}

export function register(program: Command): void {
	program
		.command('embed')
		.description('Embed texts, with the model in this process, or by asking an edge, and tell where it ran.')
		.argument('<texts...>', 'one vector is made for each')
		.option('--model <name>', 'model with the task embed', 'minilm')
		.option(
			'--models <folder>',
			'packed models to run; default: those that the build of a clone has packed',
			fileURLToPath(new URL('dist/packed', packageFolder)),
		)
		.option('--url <address>', 'ask this edge instead of running the model here')
		.option('--key <key>', "the edge's API key")
		.option('--json', 'print the vectors as JSON')
		.action(embed)
}

async function embed(texts: string[], options: Options, command: Command): Promise<void> {
	const { url, key, model } = options
	if (key !== undefined && url === undefined) command.error("error: '--key <key>' is for an edge: give its address with '--url <address>'")
	if (url !== undefined && !/^https?:\/\/./i.test(url)) command.error("error: '--url <address>' must begin with http:// or https://")
	// Not the end of the process at once: there are files to be cleaned up.
	const interrupted = new AbortController()
	for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupted.abort(new Error(signal)))
	const executor = url === undefined ? await here(options) : await edge(url, key)
	try {
		const { output, ran } = await ask(executor, { kind: 'task', model: { name: model }, task: 'embed', input: texts }, interrupted.signal)
		const { vectors, tokens } = output as EmbedOutput
		if (options.json) printJson({ vectors: vectors.map((vector) => Array.from(vector)), tokens, ran })
		else print(texts, vectors, tokens, ran)
	} finally {
		await executor.dispose()
	}
}

async function here({ model, models }: Options): Promise<Executor> {
	const { localModel } = await import('./local-model.ts')
	return localModel(models, model, 'embed')
}

async function edge(address: string, key: string | undefined): Promise<Executor> {
	const { edgeExecutor } = await import('../../runtime/remote/edge.ts')
	return edgeExecutor({ name: 'edge', address, key })
}

async function ask(executor: Executor, call: EmbedCall, signal: AbortSignal) {
	const [{ defaultDeadline }, { traceParent }] = await Promise.all([
		import('../../runtime/core/deadline.ts'),
		import('../../runtime/core/trace.ts'),
	])
	return executor.infer(call, {
		remaining: defaultDeadline,
		signal,
		hops: 0,
		retries: { left: 2 },
		trace: traceParent(),
	})
}

function print(texts: readonly string[], vectors: readonly Float32Array[], tokens: number, ran: Provenance): void {
	for (const [index, vector] of vectors.entries()) {
		const head = Array.from(vector.subarray(0, 4), (value) => value.toFixed(6)).join(', ')
		process.stdout.write(`${JSON.stringify(texts[index])}\n  [${head}, …] (${vector.length} dimensions)\n`)
	}
	const rows: [string, string][] = [
		['executor', `${ran.executor}${ran.provider ? `, execution provider ${ran.provider}` : ''}`],
		['model', [ran.model, ran.version, ran.variant].filter(Boolean).join(' ')],
		['space', ran.space ?? 'not told'],
		['time', [time('in queue', ran.queue), time('running', ran.run)].filter(Boolean).join(', ') || 'not told'],
		['size', `${tokens} tokens${ran.batch === null ? '' : `, largest batch ${ran.batch}`}`],
		['hops', String(ran.hops)],
	]
	for (const { executor, reason, detail } of ran.overflow) rows.push(['overflow', `${executor}: ${reason}${detail ? ` (${detail})` : ''}`])
	printTable('ran', rows)
}

const time = (what: string, milliseconds: number | null): string => (milliseconds === null ? '' : `${milliseconds.toFixed(1)} ms ${what}`)
