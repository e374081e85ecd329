// The compressed forms of what is served: `<file>.br` beside a file, sent to whoever accepts brotli.

import { createHash } from 'node:crypto'
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { extname, join } from 'node:path'
import { promisify } from 'node:util'
import { brotliCompress, constants } from 'node:zlib'
import { root } from './command.mjs'

const brotli = promisify(brotliCompress)

/** What was compressed before, by the digest of its bytes: ONNX Runtime takes a quarter of a minute. */
const kept = join(root, 'dist', '.stamps', 'brotli')

/** Images and fonts are compressed already. */
const kinds = new Set(['.js', '.css', '.html', '.json', '.svg', '.txt', '.wasm', '.webmanifest'])

/** Smaller files are sent in one packet as they are. */
const least = 1024

/**
 * What every page loads gets much effort: 10 instead of 9 makes ONNX Runtime 0.3 MB smaller in 13 s instead of 2. Its builds for GPUs are loaded by few.
 *
 * @param {string} name
 * @param {number} size
 */
function qualityOf(name, size) {
	if (/ort-wasm-simd-threaded(-[^.]+)?\.wasm$/.test(name)) return 10
	return size > 512 * 1024 ? 9 : 11
}

/** Compresses ONNX Runtime ahead, beside whatever else is built. */
export async function compressAhead() {
	const folder = join(root, 'node_modules', 'onnxruntime-web', 'dist')
	for (const name of ['', '.jspi', '.asyncify'].map((build) => `ort-wasm-simd-threaded${build}.wasm`)) await compress(folder, name)
}

/** Writes the forms of all files in `folders` of dist. */
export async function compressFolders(folders) {
	removeForms(folders)
	const used = new Set()
	for (const folder of folders) {
		const here = join(root, 'dist', folder)
		for (const name of filesIn(folder)) {
			if (!kinds.has(extname(name)) || statSync(join(here, name)).size < least) continue
			const form = await compress(here, name)
			used.add(form)
			if (statSync(form).size >= 0.97 * statSync(join(here, name)).size) continue
			// An edge may be serving the folder: it sees the whole form or none.
			copyFileSync(form, join(here, `${name}.new`))
			renameSync(join(here, `${name}.new`), join(here, `${name}.br`))
		}
	}
	for (const name of readdirSync(kept)) if (!used.has(join(kept, name))) rmSync(join(kept, name))
}

function removeForms(folders) {
	for (const folder of folders) for (const name of filesIn(folder)) if (name.endsWith('.br')) rmSync(join(root, 'dist', folder, name))
}

/** Names of the files in a folder of dist. */
function filesIn(folder) {
	const here = join(root, 'dist', folder)
	return existsSync(here) ? readdirSync(here, { recursive: true }).filter((name) => statSync(join(here, name)).isFile()) : []
}

/** @returns path of the form among those that are kept. */
async function compress(folder, name) {
	const bytes = readFileSync(join(folder, name))
	const quality = qualityOf(name, bytes.byteLength)
	const form = join(kept, `${createHash('sha256').update(bytes).digest('hex')}-${quality}`)
	if (existsSync(form)) return form
	const params = {
		[constants.BROTLI_PARAM_QUALITY]: quality,
		[constants.BROTLI_PARAM_LGWIN]: constants.BROTLI_MAX_WINDOW_BITS,
		[constants.BROTLI_PARAM_SIZE_HINT]: bytes.byteLength,
	}
	const smaller = await brotli(bytes, { params })
	mkdirSync(kept, { recursive: true })
	writeFileSync(`${form}.new`, smaller)
	renameSync(`${form}.new`, form)
	return form
}
