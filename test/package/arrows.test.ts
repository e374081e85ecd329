// The design's arrows: which folder may import which. The lint rules in biome.json hold them; this proves that they do.

import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { biome, root, run } from './repository.ts'

/** [the importing file, what it imports] */
type Arrow = readonly [from: string, to: string]

const forbidden: Arrow[] = [
	['runtime/core/probe.ts', '../device/protocol.ts'],
	['runtime/core/probe.ts', '../../models/format/manifest.ts'],
	['runtime/core/probe.ts', 'zod'],
	['runtime/core/probe.ts', 'node:fs'],
	['runtime/index.ts', '../edge/app.ts'],
	['runtime/device/engine/probe.ts', '../../../edge/app.ts'],
	['runtime/device/probe.ts', '../../demo/app.ts'],
	['runtime/device/probe.ts', '../../models/tools/pack.ts'],
	['runtime/device/probe.ts', 'node:worker_threads'],
	['runtime/store/probe.ts', 'node:fs/promises'],
	['runtime/store/probe.ts', 'cloudflare:workers'],
	['runtime/session/probe.ts', '../device/protocol.ts'],
	['runtime/session/probe.ts', 'node:fs'],
	['runtime/tasks/embed/probe.ts', '../../store/chunks.ts'],
	['runtime/batch/probe.ts', '../telemetry/send.ts'],
	['runtime/overflow/probe.ts', '../../edge/app.ts'],
	['runtime/remote/probe.ts', '../device/protocol.ts'],
	['runtime/remote/probe.ts', '../page/options.ts'],
	['edge/node.ts', '../runtime/index.ts'],
	['edge/node.ts', '../demo/app.ts'],
	['edge/protocols/oip/probe.ts', '../../../runtime/device/protocol.ts'],
	['edge/protocols/oip/probe.ts', '../../../runtime/store/chunks.ts'],
	['edge/protocols/oip/probe.ts', '../../../runtime/telemetry/send.ts'],
	['edge/catalog/probe.ts', '../../models/tools/pack.ts'],
	['edge/cli/probe.ts', '../../demo/app.ts'],
	['edge/app.ts', '../test/helper.ts'],
	['models/format/probe.ts', '../tools/pack.ts'],
	['models/format/probe.ts', '../../runtime/session/session.ts'],
	['models/format/probe.ts', '../../edge/app.ts'],
	['models/format/probe.ts', 'node:crypto'],
	['models/tools/onnx/probe.ts', '../../../edge/app.ts'],
	['models/tools/probe.ts', '../../runtime/device/protocol.ts'],
	['models/tools/probe.ts', '../../runtime/index.ts'],
	['demo/app.ts', '../edge/app.ts'],
	['demo/app/probe.ts', '../../models/tools/pack.ts'],
	['demo/app/probe.ts', '../../test/helper.ts'],
	['demo/start.mjs', 'vite'],
	['demo/setup/probe.mjs', 'zod'],
	['test/run.mjs', 'vitest/node'],
]

const allowed: Arrow[] = [
	['runtime/core/probe.ts', './tensor.ts'],
	['runtime/index.ts', './core/error.ts'],
	['runtime/device/probe.ts', '../store/chunks.ts'],
	['runtime/device/probe.ts', '../../models/format/manifest.ts'],
	['runtime/device/probe.ts', 'comlink'],
	['runtime/session/probe.ts', '../core/tensor.ts'],
	['runtime/tasks/probe.ts', '../../models/format/manifest.ts'],
	['runtime/remote/probe.ts', '../overflow/loop.ts'],
	['edge/node.ts', '../runtime/core/error.ts'],
	['edge/node.ts', 'node:http'],
	['edge/worker.ts', 'cloudflare:workers'],
	['edge/upstreams/oip/probe.ts', '../../../runtime/remote/oip.ts'],
	['edge/metrics/probe.ts', '../../runtime/telemetry/wire.ts'],
	['edge/catalog/probe.ts', '../../models/format/manifest.ts'],
	['edge/cli/probe.ts', '../../models/tools/pack.ts'],
	['edge/auth/probe.ts', '../config/schema.ts'],
	['models/format/probe.ts', '../../runtime/core/tensor.ts'],
	['models/format/probe.ts', './layout.ts'],
	['models/format/probe.ts', 'zod'],
	['models/tools/probe.ts', '../format/manifest.ts'],
	['models/tools/probe.ts', '../../runtime/session/session.ts'],
	['models/tools/probe.ts', 'node:fs'],
	['demo/app.ts', '../runtime/index.ts'],
	['demo/app/probe.ts', '../../runtime/index.ts'],
	['demo/start.mjs', './setup/install.mjs'],
	['demo/start.mjs', 'node:child_process'],
	['test/run.mjs', '../demo/setup/install.mjs'],
	['test/edge/probe.test.ts', '../../edge/app.ts'],
]

/** The forms in which one module may name another, one to a line. */
const forms = ([from, to]: Arrow) => [
	`import { probe } from '${to}'`,
	...(from.endsWith('.ts') ? [`import type { Probe } from '${to}'`] : []),
	`export { probe } from '${to}'`,
	`export * from '${to}'`,
	`import '${to}'`,
	`export const probe = () => import('${to}')`,
]

/** Writes the arrows as files of their own beside a copy of the configuration, and gives the lines that the linter refuses. */
async function refused(arrows: readonly Arrow[]): Promise<string[]> {
	const folder = await mkdtemp(join(tmpdir(), 'spillway-arrows-'))
	try {
		await copyFile(join(root, 'biome.json'), join(folder, 'biome.json'))
		for (const [from, lines] of linesByFile(arrows)) {
			await mkdir(join(folder, dirname(from)), { recursive: true })
			await writeFile(join(folder, from), lines.join('\n'))
		}
		const { stdout } = await run(
			biome,
			['lint', '--only=style/noRestrictedImports', '--vcs-enabled=false', '--reporter=json', '--max-diagnostics=none', '.'],
			folder,
		)
		const report = JSON.parse(stdout) as { diagnostics: { location: { path: string; start: { line: number } } }[] }
		return report.diagnostics.map(
			({ location }) => `${location.path}: ${linesByFile(arrows).get(location.path)?.[location.start.line - 1]}`,
		)
	} finally {
		await rm(folder, { recursive: true, force: true })
	}
}

function linesByFile(arrows: readonly Arrow[]): Map<string, string[]> {
	const files = new Map<string, string[]>()
	for (const arrow of arrows) files.set(arrow[0], [...(files.get(arrow[0]) ?? []), ...forms(arrow)])
	return files
}

const allLines = (arrows: readonly Arrow[]) => [...linesByFile(arrows)].flatMap(([from, lines]) => lines.map((line) => `${from}: ${line}`))

test('each forbidden arrow is refused, in every form of import', async () => {
	expect((await refused(forbidden)).sort()).toEqual(allLines(forbidden).sort())
})

test('each arrow of the design is allowed', async () => {
	expect(await refused(allowed)).toEqual([])
})
