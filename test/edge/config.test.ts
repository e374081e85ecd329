// The configuration: defaults, overrides, and errors that say what to do.

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { readConfigFile } from '../../edge/config/file.ts'
import { checkConfig, loadConfig } from '../../edge/config/load.ts'
import { secretOf } from '../../edge/config/secrets.ts'
import { settings } from '../../edge/config/settings.ts'

const hash = 'a'.repeat(64)
const errorsOf = (file: unknown, environment = {}) => checkConfig({ file, environment }).errors

describe('defaults', () => {
	test('nothing is needed', () => {
		const { config, errors, warnings } = checkConfig({})
		expect(errors).toEqual([])
		expect(config).toMatchObject({
			server: { host: '127.0.0.1', port: 8787 },
			models: { minilm: { inProcess: true } },
			upstreams: [],
			keys: [],
			limits: { deadline: 30_000 },
			metrics: { access: 'loopback' },
		})
		expect(warnings).toContainEqual(expect.stringMatching(/^keys: there are none/))
	})

	test('a section that is given in part keeps its other defaults', () => {
		expect(loadConfig({ file: { limits: { bodyBytes: 2048 } } }).limits).toMatchObject({ bodyBytes: 2048, deadline: 30_000 })
	})
})

describe('errors name the place and what to do', () => {
	const faults: [string, unknown, string][] = [
		['a misspelt section', { modles: {} }, 'modles: is no setting; did you mean "models"?'],
		['a misspelt setting', { limits: { bodyByte: 1 } }, 'limits.bodyByte: is no setting; did you mean "bodyBytes"?'],
		['a setting far from any', { metrics: { colour: 1 } }, 'metrics.colour: is no setting (there are: access)'],
		['a wrong type', { limits: { deadline: '5' } }, 'limits.deadline: must be a number'],
		['a missing one', { keys: [{ id: 'a', kind: 'secret' }] }, 'keys[0].hash: is missing; it must be a string'],
		['too small a number', { limits: { hops: 0 } }, 'limits.hops: must be at least 1'],
		['too large a number', { server: { port: 70_000 } }, 'server.port: must be at most 65535'],
		['a wrong choice', { metrics: { access: 'all' } }, 'metrics.access: must be "loopback" or "public" or "key"'],
		[
			'a key in place of its hash',
			{ keys: [{ id: 'a', kind: 'secret', hash: 'sk_x' }] },
			'keys[0].hash: must be a SHA-256 in lower-case hexadecimal',
		],
		[
			'an origin with a path',
			{ keys: [{ id: 'a', kind: 'publishable', hash, origins: ['https://a.example/'] }] },
			'keys[0].origins[0]: must be an origin such as https://app.example.com, without a path',
		],
		[
			'an upstream without address',
			{ upstreams: [{ name: 'gpu', kind: 'oip', url: 'gpu:8000', models: { minilm: {} } }] },
			'upstreams[0].url: must be an address such as http://gpu-a:8000',
		],
		[
			'an unknown kind of upstream',
			{ upstreams: [{ name: 'gpu', kind: 'oipp', url: 'http://gpu:8000', models: { minilm: {} } }] },
			'upstreams[0].kind: must be "oip" or ',
		],
		[
			'a misspelt setting of an upstream',
			{ upstreams: [{ name: 'gpu', kind: 'oip', url: 'http://gpu:8000', models: { minilm: {} }, binery: true }] },
			'upstreams[0].binery: is no setting; did you mean "binary"?',
		],
		[
			'a setting of another kind of upstream',
			{ upstreams: [{ name: 'gpu', kind: 'oip', url: 'http://gpu:8000', models: { minilm: {} }, stall: 100 }] },
			'upstreams[0].stall: is no setting of this kind',
		],
		[
			'an address with a password',
			{ upstreams: [{ name: 'gpu', kind: 'oip', url: 'http://me:word@gpu:8000', models: { minilm: {} } }] },
			'upstreams[0].url: must be an address without a user or password',
		],
		[
			'an address with a query, to which no path could be added',
			{ upstreams: [{ name: 'gpu', kind: 'openai', url: 'http://gpu:8000/v1?key=1', models: { minilm: {} } }] },
			'upstreams[0].url: must be an address without "?" and "#"',
		],
		[
			'a header that none can be',
			{ upstreams: [{ name: 'gpu', kind: 'http', url: 'http://gpu', models: { minilm: {} }, headers: { 'x-a': 'b\r\nc: d' } }] },
			'upstreams[0].headers.x-a: must be a text without line breaks',
		],
		[
			'a word that hedging does not know',
			{ models: { minilm: { routing: { hedge: 'fast' } } } },
			'routing.hedge: must be milliseconds, or "auto"',
		],
		['true, where only false is a word', { models: { minilm: { routing: { split: true } } } }, 'routing.split: must be a number of rows'],
		[
			'a declared model that should run here',
			{ models: { chat: { declared: { task: { kind: 'generate' } } } } },
			'models.chat.inProcess: must be false: a declared model has nothing that could run here',
		],
		['a list in place of an object', [], 'the configuration: must be an object'],
		[
			'a name that is none',
			{ models: { 'My Model': {} } },
			'models.My Model: must be 1 to 64 of a-z, 0-9, ".", "_", "-", and begin with a letter or digit',
		],
	]
	test.each(faults)('%s', (_, file, message) => {
		expect(errorsOf(file)).toContainEqual(expect.stringContaining(message))
	})

	test('all faults come at once', () => {
		expect(errorsOf({ modles: {}, limits: { hops: 0, deadline: 'x' }, server: 5 })).toHaveLength(4)
	})

	const across: [string, unknown, RegExp][] = [
		['a model that nothing could answer', { models: { minilm: { inProcess: false } } }, /^models\.minilm\.inProcess: nothing could answer/],
		[
			'an upstream of an unknown model',
			{ upstreams: [{ name: 'gpu', kind: 'oip', url: 'http://gpu', models: { other: {} } }] },
			/^upstreams\[0\]\.models\.other: is not among "models"/,
		],
		[
			'an upstream that knows no tensors, for a model without a task',
			{
				models: { rank: { inProcess: false, declared: {} } },
				upstreams: [{ name: 'gpu', kind: 'openai', url: 'http://gpu', models: { rank: {} } }],
			},
			/^models\.rank\.declared\.task: is needed: upstream "gpu" is of kind openai/,
		],
		['a model called as objects call their prototype', JSON.parse('{"models": {"__proto__": {}}}'), /^models\.__proto__: /],
		[
			'an upstream of a model with the name of what all objects have',
			{ upstreams: [{ name: 'gpu', kind: 'oip', url: 'http://gpu', models: { constructor: {} } }] },
			/^upstreams\[0\]\.models\.constructor: is not among "models"/,
		],
		[
			'certificates for an address without https',
			{ upstreams: [{ name: 'gpu', kind: 'oip', url: 'http://gpu', models: { minilm: {} }, tls: { ca: { env: 'CA' } } }] },
			/^upstreams\[0\]\.tls: is for addresses with https/,
		],
		[
			'a key that the signature would replace',
			{ upstreams: [{ name: 'aws', kind: 'sagemaker', url: 'https://aws', region: 'eu', models: { minilm: {} }, key: { env: 'KEY' } }] },
			/^upstreams\[0\]\.key: would be lost/,
		],
		[
			'an upstream with the name of another executor',
			{ upstreams: [{ name: 'edge', kind: 'oip', url: 'http://gpu', models: { minilm: {} } }] },
			/names another executor/,
		],
		[
			'two keys of one name',
			{
				keys: [
					{ id: 'a', kind: 'secret', hash },
					{ id: 'a', kind: 'secret', hash: 'b'.repeat(64) },
				],
			},
			/^keys\[1\]\.id/,
		],
		['a secret key for pages', { keys: [{ id: 'a', kind: 'secret', hash, origins: ['https://a.example'] }] }, /must not be used in pages/],
		['a publishable key for no page', { keys: [{ id: 'a', kind: 'publishable', hash }] }, /^keys\[0\]\.origins/],
		['a bucket without a name', { modelsBucket: { prefix: 'prod' } }, /^modelsBucket\.name: is missing/],
		[
			'a bucket with a prefix that leads out of it',
			{ modelsBucket: { name: 'models', prefix: '../x' } },
			/^modelsBucket\.prefix: must be names/,
		],
		['a default above the most', { limits: { deadline: 10, maxDeadline: 5 } }, /maxDeadline/],
	]
	test.each(across)('%s', (_, file, message) => {
		expect(errorsOf(file)).toEqual([expect.stringMatching(message)])
	})

	test('loading throws them all in one error', () => {
		expect(() => loadConfig({ file: { modles: {}, limits: { hops: 0 } } })).toThrow(
			expect.objectContaining({ code: 'malformed', message: expect.stringMatching(/limits\.hops[\s\S]*modles/) }),
		)
	})
})

describe('overrides from the environment', () => {
	test('are laid over the file', () => {
		const file = { limits: { hops: 2, bodyBytes: 4096 } }
		const environment = { SPILLWAY_LIMITS_HOPS: '3', SPILLWAY_METRICS_ACCESS: 'key', SPILLWAY_MODELS: '{"a":{}}', SPILLWAY_SERVER_HOST: '' }
		expect(loadConfig({ file, environment })).toMatchObject({
			limits: { hops: 3, bodyBytes: 4096 },
			metrics: { access: 'key' },
			models: { a: {} },
			server: { host: '127.0.0.1' },
		})
		expect(file.limits.hops).toBe(2)
	})

	test('PORT is the port, unless SPILLWAY_SERVER_PORT says otherwise', () => {
		expect(loadConfig({ environment: { PORT: '9000' } }).server.port).toBe(9000)
		expect(loadConfig({ environment: { SPILLWAY_SERVER_PORT: '9001', PORT: '9000' } }).server.port).toBe(9001)
		expect(loadConfig({ environment: { GRPC_PORT: '9002' } }).server.grpcPort).toBe(9002)
		expect(loadConfig({ environment: { SPILLWAY_SERVER_GRPC_PORT: 'false', GRPC_PORT: '9002' } }).server.grpcPort).toBe(false)
		expect(checkConfig({ environment: { GRPC_PORT: 'true' } }).errors).toEqual(['server.grpcPort: must be a port, 0 to 65535, or false'])
	})

	test('misspelt ones and wrong values are told', () => {
		expect(errorsOf({}, { SPILLWAY_LIMTS_HOPS: '3' })).toEqual(['SPILLWAY_LIMTS_HOPS: is no setting; did you mean "SPILLWAY_LIMITS_HOPS"?'])
		expect(errorsOf({}, { SPILLWAY_LIMITS_HOPS: 'three' })).toEqual([expect.stringMatching(/^SPILLWAY_LIMITS_HOPS: must be JSON/)])
		expect(errorsOf({}, { SPILLWAY_LIMITS_HOPS: '"3"' })).toEqual(['limits.hops: must be a number'])
	})

	test('make a section that the file does not have; keys that are not set are told', () => {
		const environment = { SPILLWAY_MODELS_BUCKET_NAME: 'models', AWS_ACCESS_KEY_ID: 'x' }
		expect(loadConfig({ environment }).modelsBucket).toMatchObject({ name: 'models', region: 'us-east-1' })
		expect(checkConfig({ environment }).warnings).toContain(
			'modelsBucket.secretAccessKey: AWS_SECRET_ACCESS_KEY is not set in this environment',
		)
		expect(loadConfig({}).modelsBucket).toBeUndefined()
	})

	test('other variables, secrets by their names, and bindings that are no strings are left alone', () => {
		const upstreams = [{ name: 'gpu', kind: 'oip', url: 'http://gpu', key: { env: 'SPILLWAY_GPU_KEY' }, models: { minilm: {} } }]
		expect(
			errorsOf({ upstreams }, { HOME: '/root', SPILLWAY_GPU_KEY: 'x', SPILLWAY_CONFIG: 'a.json', SPILLWAY_SESSIONS: { get() {} } }),
		).toEqual([])
	})

	test('a secret that is not set is a warning for who checks, an error for who needs it', () => {
		const upstreams = [{ name: 'gpu', kind: 'oip', url: 'http://gpu', key: { env: 'GPU_KEY' }, models: { minilm: {} } }]
		expect(checkConfig({ file: { upstreams } }).warnings).toContain('upstreams[0].key: GPU_KEY is not set in this environment')
		const models = { minilm: {} }
		const others = [
			{ name: 'aws', kind: 'sagemaker', url: 'https://aws', region: 'eu', models },
			{ name: 'own', kind: 'http', url: 'https://own', models, headers: { 'x-a': { env: 'OWN' } }, tls: { ca: { env: 'OWN_CA' } } },
		]
		const { warnings } = checkConfig({ file: { upstreams: others }, environment: { AWS_ACCESS_KEY_ID: 'AKIA' } })
		expect(warnings.filter((line) => line.startsWith('upstreams'))).toEqual([
			'upstreams[0].secretAccessKey: AWS_SECRET_ACCESS_KEY is not set in this environment',
			'upstreams[1].tls.ca: OWN_CA is not set in this environment',
			'upstreams[1].headers.x-a: OWN is not set in this environment',
		])
		expect(() => secretOf({ env: 'GPU_KEY' }, {})).toThrow(/GPU_KEY is not set/)
		expect(secretOf({ env: 'GPU_KEY' }, { GPU_KEY: 'x' })).toBe('x')
	})
})

describe('the file', () => {
	test('need not be there, unless it was named; and must be JSON', async () => {
		const folder = await mkdtemp(join(tmpdir(), 'spillway-config-'))
		try {
			await expect(readConfigFile(join(folder, 'none.json'))).rejects.toMatchObject({ code: 'not-found' })
			const file = join(folder, 'broken.json')
			await writeFile(file, '{"a":')
			await expect(readConfigFile(file)).rejects.toMatchObject({ code: 'malformed', message: expect.stringContaining(file) })
			await writeFile(file, '{"limits":{"hops":2}}')
			expect(loadConfig({ file: await readConfigFile(file) }).limits.hops).toBe(2)
		} finally {
			await rm(folder, { recursive: true })
		}
	})
})

test('the documentation names every setting and its variable', async () => {
	const text = await readFile(new URL('../../docs/configuration.md', import.meta.url), 'utf8')
	for (const { path, variable } of settings) {
		expect(text).toContain(`\`${path.join('.')}\``)
		expect(text).toContain(variable)
	}
})
