// What the first vector of the shipped model takes from an edge, compressed as it is sent. Needs what the build makes.

import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readChannel } from '../../models/format/channel.ts'
import { channelPath, chunkPath, compressedPath, manifestPath } from '../../models/format/layout.ts'
import { parseManifest } from '../../models/format/parse.ts'
import { firstFiles } from '../../runtime/device/load-version.ts'
import { root } from './repository.ts'

const packed = join(root, 'dist/packed')
const script = join(root, 'dist/script')

/** Bytes of a file in brotli, where there is such a form, else as it is. */
const sent = async (file: string): Promise<number> => (await stat(compressedPath(file)).catch(() => stat(file))).size

test('stays under 23.95 MB: 50 kB are left for headers', async () => {
	const { manifest: digest } = readChannel(await readFile(join(packed, channelPath('minilm')), 'utf8'))
	const manifest = parseManifest(await readFile(join(packed, manifestPath(digest))))
	const chunks = new Set(firstFiles(manifest, {}).flatMap((name) => (manifest.files[name]?.chunks ?? []).map((chunk) => chunk.digest)))
	const files = {
		scripts: ['spillway.js', 'start.js', 'engine.js', 'session.js'].map((name) => join(script, name)),
		'ONNX Runtime': [join(script, 'ort-wasm-simd-threaded.wasm')],
		model: [channelPath('minilm'), manifestPath(digest), ...[...chunks].map(chunkPath)].map((path) => join(packed, path)),
	}
	const sizes: Record<string, number> = {}
	for (const [what, paths] of Object.entries(files)) sizes[what] = (await Promise.all(paths.map(sent))).reduce((sum, size) => sum + size, 0)
	expect(
		Object.values(sizes).reduce((sum, size) => sum + size, 0),
		JSON.stringify(sizes),
	).toBeLessThan(23.95e6)
})
