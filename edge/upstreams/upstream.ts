// What a kind of upstream is: its settings, and how its executors are made. One folder each, listed in `kinds.ts`.

import { z } from 'zod'
import { nameSchema } from '../../models/format/manifest.ts'
import type { Executor } from '../../runtime/core/executor.ts'
import { isRange } from '../../runtime/core/version.ts'
import type { Fetch } from '../../runtime/remote/exchange.ts'
import type { Environment } from '../config/environment.ts'
import { httpAddress, secret, tls } from '../config/fields.ts'
import type { ModelInterface } from '../parts.ts'

const upstreamModel = z.strictObject({
	/** The model's name on the upstream; without it, the same. */
	name: z.string().min(1).optional(),
	/** Its version there; without it, the upstream's choice. */
	version: z.string().min(1).optional(),
	/** The versions here that it answers for, as a version or range; without it, the one that the channel names. */
	serves: z.string().refine(isRange, 'must be a version such as 1.2.0 or a range such as ^1').optional(),
	/** The variant of the manifest whose weights the upstream runs. Without it the upstream's vectors count as another space, and `embed` never goes there. */
	variant: nameSchema.optional(),
})

/** Settings of every upstream. */
const common = {
	/** Shown in provenance and metrics. */
	name: nameSchema,
	/** Base address. */
	url: httpAddress,
	/** Its API key, sent as the kind's servers expect it. */
	key: secret.optional(),
	models: z.record(nameSchema, upstreamModel).refine((models) => Object.keys(models).length > 0, 'must name at least one model'),
	/** What it computes on, told in provenance. */
	accelerator: z.enum(['cpu', 'gpu', 'tpu', 'npu']).optional(),
	/** Most calls that it is given at a time; without it, what is measured. */
	capacity: z.int().min(1).optional(),
	/** What a call costs there, in any unit that all upstreams share. */
	cost: z.number().min(0).optional(),
	/** Most connections to it at a time, 256 unless said otherwise; calls beyond wait for one. Node only. */
	connections: z.int().min(1).optional(),
	/** Certificates, for addresses with https. Node only: a Worker has its platform's. */
	tls: tls.optional(),
}

/** A model as one upstream has it. */
export interface UpstreamModel {
	/** Its name here. */
	readonly name: string
	/** Its version here. */
	readonly version: string
	readonly interface: ModelInterface
	/** What it is called there. */
	readonly remote: { readonly name: string; readonly version?: string | undefined }
	readonly variant: string | undefined
	/** The space of the vectors that this upstream makes, where that is known. */
	readonly space: string | undefined
}

export interface UpstreamOptions<Config> {
	readonly upstream: Config
	/** The upstream's API key, if it wants one. */
	readonly key: string | undefined
	readonly model: UpstreamModel
	/** How its requests are sent. Default: the platform's `fetch`. */
	readonly fetch?: Fetch | undefined
	/** Where further secrets are. */
	readonly environment: Environment
}

export interface ProbeOptions<Config> extends Pick<UpstreamOptions<Config>, 'upstream' | 'key' | 'fetch' | 'environment'> {
	/** Behind the request that asks for it: the upstream may be an edge that asks this one in turn. */
	readonly hops: number
}

type SchemaOf<Kind extends string, Settings extends z.ZodRawShape> = z.ZodObject<
	typeof common & { kind: z.ZodLiteral<Kind> } & Settings,
	z.core.$strict
>

export interface UpstreamKind<Kind extends string, Settings extends z.ZodRawShape> {
	readonly kind: Kind
	/** The schema of its configuration. */
	readonly schema: SchemaOf<Kind, Settings>
	/**
	 * Makes the executor for one model of an upstream.
	 * @throws SpillwayError `malformed` when what the configuration asks for cannot be.
	 */
	executor(options: UpstreamOptions<z.output<SchemaOf<Kind, Settings>>>): Executor
	/** Whether the upstream says that it is up. Never rejects. */
	isUp(options: ProbeOptions<z.output<SchemaOf<Kind, Settings>>>): Promise<boolean>
}

/**
 * Makes a kind of upstream.
 *
 * @param settings beside those of every upstream.
 * @example export const oip = upstreamKind({ kind: 'oip', settings: { binary: z.boolean().default(true) }, executor, isUp })
 */
export function upstreamKind<Kind extends string, Settings extends z.ZodRawShape>({
	kind,
	settings,
	...more
}: Pick<UpstreamKind<Kind, Settings>, 'kind' | 'executor' | 'isUp'> & { settings: Settings }): UpstreamKind<Kind, Settings> {
	return { kind, schema: z.strictObject({ ...common, kind: z.literal(kind), ...settings }) as SchemaOf<Kind, Settings>, ...more }
}
