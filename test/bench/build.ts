// Bundles the pages under measurement, and lays the files that they load where they ask for them.

import { execFileSync } from 'node:child_process'
import { copyFile, mkdir, readFile, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'vite'
import type { SigningKey } from '../../models/format/keys.ts'
import { packIdentity } from './identity-model.ts'

const here = dirname(fileURLToPath(import.meta.url))
export const root = join(here, '../..')
const work = join(root, '.spillway/bench')

/** As the model is published; only the limit is sentence-transformers' own. */
const tokenizerConfig = {
	tokenizer_class: 'BertTokenizer',
	model_max_length: 256,
	do_lower_case: true,
	unk_token: '[UNK]',
	sep_token: '[SEP]',
	pad_token: '[PAD]',
	cls_token: '[CLS]',
	mask_token: '[MASK]',
}

/** Contenders with a page, and their workers: `contenders/<name>.ts`. */
const pages = ['spillway', 'bare', 'tuned', 'transformers', 'workerpool', 'same', 'identity', 'cached', 'creation', 'cold']
const workers = ['bare-worker', 'tuned-worker', 'pool-worker', 'same-worker', 'cached-worker']

/** Folders and files by address, for `serveStatic`. */
export type Mounts = Record<string, string | { text: string }>

/**
 * @param stock the int8 file that exporters make (`model_quantized.onnx` of all-MiniLM-L6-v2).
 * @param key that the packed shipped model's channel is signed with.
 */
export async function prepare(stock: string, key: SigningKey): Promise<Mounts> {
	await mkdir(work, { recursive: true })
	for (const name of ['package.json', 'package-lock.json']) await copyFile(join(here, 'peers', name), join(work, name))
	execFileSync('npm', ['ci', '--ignore-scripts', '--no-fund', '--no-audit'], { cwd: work, stdio: ['ignore', 'ignore', 'inherit'] })

	const bundles = join(work, 'bundles')
	await rm(bundles, { recursive: true, force: true })
	for (const name of [...pages, ...workers]) {
		await build({
			configFile: false,
			logLevel: 'error',
			root: here,
			resolve: {
				conditions: ['onnxruntime-web-use-extern-wasm', 'module', 'browser', 'import', 'default'],
				alias: {
					'@huggingface/transformers': join(work, 'node_modules/@huggingface/transformers/dist/transformers.web.js'),
					workerpool: join(work, 'node_modules/workerpool'),
				},
			},
			build: {
				outDir: bundles,
				emptyOutDir: false,
				target: 'esnext',
				rolldownOptions: {
					input: join(here, `contenders/${name}.ts`),
					output: { entryFileNames: `${name}.js`, format: 'es', codeSplitting: false },
				},
			},
		})
	}

	const model = join(work, 'stock')
	await mkdir(join(model, 'onnx'), { recursive: true })
	await copyFile(stock, join(model, 'onnx/model_quantized.onnx'))
	await copyFile(join(root, 'models/minilm/tokenizer.json'), join(model, 'tokenizer.json'))

	const page = (name: string) => ({ text: `<!doctype html><title>${name}</title><script type="module" src="/bench/${name}.js"></script>` })
	return {
		'/blank.html': { text: '<!doctype html><title>blank</title>' },
		...Object.fromEntries(pages.map((name) => [`/${name}.html`, page(name)])),
		'/trust.json': { text: JSON.stringify({ trust: [key.x] }) },
		'/reference.json': { text: await readFile(join(root, 'test/fixtures/minilm-reference.json'), 'utf8') },
		'/bench/': bundles,
		'/spillway/': join(root, 'dist/runtime'),
		'/script/': join(root, 'dist/script'),
		'/models/': join(root, 'dist/packed'),
		'/identity/': await packIdentity(join(work, 'identity'), key),
		'/minilm/': join(root, 'models/minilm'),
		'/stock/': model,
		'/stock/tokenizer_config.json': { text: JSON.stringify(tokenizerConfig) },
		'/stock/config.json': { text: JSON.stringify({ model_type: 'bert', architectures: ['BertModel'], hidden_size: 384 }) },
		'/ort/': join(root, 'node_modules/onnxruntime-web/dist'),
		'/transformers-ort/': join(work, 'node_modules/onnxruntime-web/dist'),
	}
}
