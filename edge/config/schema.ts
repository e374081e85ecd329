// The edge's configuration: one strict schema with defaults for everything, so that an empty object is a working edge.

import { z } from 'zod'
import { isTrustKey } from '../../models/format/keys.ts'
import { axisSchema, digestSchema, nameSchema, tensorSpecSchema } from '../../models/format/manifest.ts'
import { isSafePath } from '../catalog/files.ts'
import { upstreamSchema } from '../upstreams/kinds.ts'
import { routingSchema } from '../upstreams/routing/settings.ts'
import { routingSchema as versionRoutingSchema } from '../versions/routing.ts'
import { httpAddress, milliseconds, pem, secret } from './fields.ts'

const origin = z
	.string()
	.refine(
		(value) => URL.canParse(value) && new URL(value).origin === value,
		'must be an origin such as https://app.example.com, without a path',
	)

const version = z.string().min(1).max(64)

/** Fills a section that is not given with its own defaults. */
const section = <T extends z.ZodObject>(schema: T) => schema.prefault({} as z.input<T>)

/** A model that no catalogue has: what it takes and gives is said here, its upstreams answer. */
const declared = z.strictObject({
	version: version.default('1'),
	/** What it does with data other than tensors. */
	task: z
		.discriminatedUnion('kind', [
			z.strictObject({ kind: z.literal('generate') }),
			/** `space` names the vector space that all its upstreams answer in; without it, `<name>@<version>`. */
			z.strictObject({ kind: z.literal('embed'), dimensions: z.int().min(1), space: z.string().min(1).optional() }),
		])
		.optional(),
	/** Its tensors, as a manifest has them; without them, what comes is handed on, and the upstream says whether it fits. */
	inputs: z.array(tensorSpecSchema).min(1).optional(),
	outputs: z.array(tensorSpecSchema).min(1).optional(),
	axes: z.record(z.string(), axisSchema).default({}),
})

const model = z.strictObject({
	/** Given for a model without a catalogue entry, which only upstreams answer. */
	declared: declared.optional(),
	/** Whether this edge runs the model itself; otherwise only its upstreams answer. */
	inProcess: z.boolean().default(true),
	/** The variant to run; without it, the manifest's first that has a graph for this platform. */
	variant: nameSchema.optional(),
	/** Most tokens (rows times padded length) of one run: bounds its memory. */
	tokensPerRun: z.int().min(1).default(4096),
	/** Most rows of one run; without it, as many as the measured times make worth while. */
	rowsPerRun: z.int().min(1).optional(),
	/** Milliseconds that a run which could begin waits for more rows; without it, as long as the measured arrivals make it pay. */
	batchWait: z.number().min(0).max(1000).optional(),
	/** Threads of one run; without it, one for each core. Node only: elsewhere there is one. */
	threads: z.int().min(1).max(256).optional(),
	/** `start`: loaded with the edge, and kept. `demand`: loaded at the first call, and unloaded when others need the memory. */
	load: z.enum(['start', 'demand']).default('start'),
	/** Bytes of memory that a version counts for, loaded; without it, those of its files. */
	memory: z.int().min(0).optional(),
	/** Which of its versions answer which calls; without it, the current one answers all. The admin API may change it. */
	versions: versionRoutingSchema.optional(),
	/** How calls find their upstream, where it has several. */
	routing: section(routingSchema),
})

export const scopeSchema = z.enum(['infer', 'metrics', 'admin'])

const key = z.strictObject({
	/** Shown in logs and counted against; never the key. */
	id: nameSchema,
	/** SHA-256 of the key, lower-case hexadecimal. */
	hash: digestSchema,
	/** `secret` for servers; `publishable` may stand in a page, and is bound to origins. */
	kind: z.enum(['secret', 'publishable']),
	/** Origins whose pages may use a publishable key. */
	origins: z.array(origin).default([]),
	/** Lets pages of any origin use a publishable key while the edge is reached under a loopback name (localhost, 127.0.0.1, ::1). */
	loopback: z.boolean().default(false),
	/** Lets servers (requests that no page sent) use a publishable key. */
	servers: z.boolean().default(false),
	scopes: z.array(scopeSchema).min(1).default(['infer']),
	/** Without it, no limit. */
	requestsPerMinute: z.int().min(1).optional(),
})

const limits = z.strictObject({
	/** Largest request body in bytes, counted after decompression. */
	bodyBytes: z
		.int()
		.min(1024)
		.default(16 * 1024 * 1024),
	/** Most texts in one call. */
	textsPerCall: z.int().min(1).default(2048),
	/** Longest text in UTF-16 code units. Longer is refused; what is shorter is still cut to the model's token limit. */
	charactersPerText: z.int().min(1).default(100_000),
	/** Milliseconds that a call may take when its request does not say. */
	deadline: milliseconds.default(30_000),
	/** Most milliseconds that a request may ask for. */
	maxDeadline: milliseconds.default(300_000),
	/** Most hops that a request may have behind it: ends loops of edges that are one another's upstream. */
	hops: z.int().min(1).default(4),
	/** Most retries left that a request may bring along. */
	retries: z.int().min(0).default(2),
	/** Most calls of one model under way at a time, those that wait included; more are refused with 503. */
	callsPerModel: z.int().min(1).default(1024),
	/** Most milliseconds that a call is let wait: all of it with high priority, half with normal, a quarter with low. Who would wait longer is refused with 503 and `Retry-After`. */
	longestWait: milliseconds.default(20_000),
})

const signing = z.strictObject({
	/** The Ed25519 private key (JSON Web Key or PEM) that channels are signed with. Where it is not set, Node makes one and keeps it with its state; workerd serves channels as they were packed. */
	key: secret.default({ env: 'SPILLWAY_SIGNING_KEY' }),
	/** Public keys (base64url, 43 characters) that signed before; served beside the current one so that pages can be moved over. */
	previous: z.array(z.string().refine(isTrustKey, 'must be a raw Ed25519 public key in base64url, 43 characters')).default([]),
	/** Milliseconds that a channel signed here is good for. */
	expiresIn: milliseconds.default(90 * 24 * 3_600_000),
})

const metrics = z.strictObject({
	/** Who may read `/metrics` beside keys with the scope `metrics`: requests over loopback, everyone, or no one else. */
	access: z.enum(['loopback', 'public', 'key']).default('loopback'),
})

const telemetry = z.strictObject({
	/** Reports of pages that are taken in a minute for each key: a quota beside that of calls. */
	reportsPerMinute: z.int().min(1).default(6000),
})

const server = z.strictObject({
	/** Address to listen on. Node only. */
	host: z.string().min(1).default('127.0.0.1'),
	/** Port to listen on; 0 lets the system choose. Node only. */
	port: z.int().min(0).max(65_535).default(8787),
	/** Port to listen on for native gRPC; 0 lets the system choose, false is for none. Without it 8788, if that is free. Node only. */
	grpcPort: z.union([z.int().min(0).max(65_535), z.literal(false)], 'must be a port, 0 to 65535, or false').optional(),
	/** Bytes of memory for models, by the size of their files; without it, half of what there is on Node, and 48 MiB of an isolate's 128 on workerd. */
	memory: z.int().min(1).optional(),
	/** Certificate (with those between it and its authority) and private key: without them connections are not encrypted here. Node only. */
	tls: z.strictObject({ cert: pem, key: pem }).optional(),
	/** Milliseconds that requests under way have at the end (SIGTERM, SIGINT) before they are answered with 503. Node only. */
	grace: milliseconds.default(2_000),
	/** Milliseconds that requests and connections of a worker have when it is replaced (`serve --workers`, SIGHUP). Node only. */
	drain: milliseconds.default(30_000),
	/** Milliseconds for which a worker may give no sign of life before it is killed and replaced (`serve --workers`). Node only. */
	unresponsive: milliseconds.default(20_000),
})

/** What hosting platforms call that run this edge as a container: SageMaker's `/invocations`, Azure ML's `/score`. */
const container = z.strictObject({
	/** The model that answers there; without it, the only one. */
	model: nameSchema.optional(),
	/** Whether a key is needed there, or everyone is let in, because the platform checks its callers itself. */
	access: z.enum(['key', 'open']).default('key'),
})

const modelsBucket = z.strictObject({
	/** The bucket's name. */
	name: z.string().min(1),
	/** Put before each path, with `/` between names. Without it, models are at the bucket's top. */
	prefix: z.string().refine(isSafePath, 'must be names with "/" between them, such as models').optional(),
	/** The service's address; without it, that of AWS for the region. */
	endpoint: httpAddress.optional(),
	region: z.string().min(1).default('us-east-1'),
	accessKeyId: secret.default({ env: 'AWS_ACCESS_KEY_ID' }),
	secretAccessKey: secret.default({ env: 'AWS_SECRET_ACCESS_KEY' }),
	/** Of temporary credentials; where it is not set, none is sent. */
	sessionToken: secret.default({ env: 'AWS_SESSION_TOKEN' }),
})

const sections = z.strictObject({
	$schema: z.string().optional(),
	server: section(server),
	/** Folder with packed models (channels, manifests, chunks). Node only: on workerd they come from the CATALOG or ASSETS binding. */
	modelsFolder: z.string().min(1).default('dist/packed'),
	/** An S3-compatible bucket with packed models, in place of the folder or the assets. */
	modelsBucket: modelsBucket.optional(),
	models: z.record(nameSchema, model).prefault({ minilm: {} }),
	upstreams: z.array(upstreamSchema).default([]),
	keys: z.array(key).default([]),
	limits: section(limits),
	signing: section(signing),
	metrics: section(metrics),
	container: section(container),
	telemetry: section(telemetry),
})

/** The whole configuration. */
export const configSchema = sections.superRefine((config, context) => {
	const refuse = (path: (string | number)[], message: string) => context.addIssue({ code: 'custom', path, message })

	const upstreamModels = new Set(config.upstreams.flatMap((upstream) => Object.keys(upstream.models)))
	for (const [name, { inProcess, declared, versions }] of Object.entries(config.models)) {
		if (declared && versions) refuse(['models', name, 'versions'], 'a declared model has one version')
		if (inProcess && declared) refuse(['models', name, 'inProcess'], 'must be false: a declared model has nothing that could run here')
		if (!inProcess && !upstreamModels.has(name))
			refuse(['models', name, 'inProcess'], 'nothing could answer: let it run in process, or give it an upstream')
	}
	if (config.container.model !== undefined && !Object.hasOwn(config.models, config.container.model))
		refuse(['container', 'model'], 'is not among "models"; add it there')
	config.upstreams.forEach((upstream, at) => {
		if (config.upstreams.findIndex((other) => other.name === upstream.name) < at)
			refuse(['upstreams', at, 'name'], `"${upstream.name}" is taken by an upstream before it`)
		if (upstream.name === 'device' || upstream.name === 'edge')
			refuse(['upstreams', at, 'name'], `"${upstream.name}" names another executor; choose another name`)
		if (upstream.tls && !/^https:/i.test(upstream.url))
			refuse(['upstreams', at, 'tls'], 'is for addresses with https; nothing would be encrypted on the way to this one')
		if (upstream.kind === 'sagemaker' && upstream.key && /^authorization$/i.test(upstream.keyHeader))
			refuse(['upstreams', at, 'key'], 'would be lost: the signature stands in Authorization; leave it out, or give it another keyHeader')
		for (const name of Object.keys(upstream.models)) {
			const model = Object.hasOwn(config.models, name) ? config.models[name] : undefined
			if (!model) refuse(['upstreams', at, 'models', name], 'is not among "models"; add it there')
			else if (upstream.kind === 'openai' && model.declared && !model.declared.task)
				refuse(['models', name, 'declared', 'task'], `is needed: upstream "${upstream.name}" is of kind openai, which knows no tensors`)
		}
	})
	config.keys.forEach((key, at) => {
		if (config.keys.findIndex((other) => other.id === key.id) < at) refuse(['keys', at, 'id'], `"${key.id}" is taken by a key before it`)
		if (config.keys.findIndex((other) => other.hash === key.hash) < at) refuse(['keys', at, 'hash'], 'is the hash of a key before it')
		if (key.kind === 'secret' && (key.origins.length > 0 || key.loopback))
			refuse(['keys', at, 'kind'], 'a secret key must not be used in pages; make it publishable, or leave out origins and loopback')
		if (key.kind === 'publishable' && key.scopes.includes('admin'))
			refuse(['keys', at, 'scopes'], 'whoever reads a page would change what this edge serves: "admin" is for secret keys')
		if (key.kind === 'publishable' && key.origins.length === 0 && !key.loopback && !key.servers)
			refuse(['keys', at, 'origins'], 'must name the origins whose pages may use the key')
	})
	if (config.limits.deadline > config.limits.maxDeadline) refuse(['limits', 'deadline'], 'must not be above limits.maxDeadline')
})

export type EdgeConfig = z.output<typeof configSchema>
export type EdgeConfigInput = z.input<typeof configSchema>
export type KeyConfig = z.output<typeof key>
export type DeclaredConfig = z.output<typeof declared>
export type ModelConfig = z.output<typeof model>
export type BucketConfig = z.output<typeof modelsBucket>
export type Limits = z.output<typeof limits>
export type Scope = z.output<typeof scopeSchema>
