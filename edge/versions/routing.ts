// Which versions of a model answer which calls, as the configuration or the admin API says it.

import { z } from 'zod'
import { digestSchema } from '../../models/format/manifest.ts'
import { isRange } from '../../runtime/core/version.ts'

/** The version that the channel names as the current one. */
export const current = 'current'

const labelSchema = z
	.string()
	.regex(/^[a-z][a-z0-9_-]{0,31}$/, 'must be 1 to 32 of a-z, 0-9, "_", "-", and begin with a letter')
	.refine((label) => label !== current && !isRange(label), 'is a word for versions already; choose another')

/** Of a model. All that the admin API has changed must fit into what a Durable Object stores. */
const mostLabels = 64

/** Whether a text can only be a label: versions and ranges begin otherwise. */
export const isLabel = (text: string): boolean => labelSchema.safeParse(text).success

/** A published version or range, a manifest's digest, or `current`. */
const versionRef = z
	.string()
	.refine(
		(text) => text === current || isRange(text) || digestSchema.safeParse(text).success,
		`must be a version such as 1.2.0, a range such as ^1, a manifest's digest, or "${current}"`,
	)

const versionOrLabel = z
	.string()
	.refine(
		(text) => isLabel(text) || versionRef.safeParse(text).success,
		`must be a version such as 1.2.0, a range such as ^1, a label, a manifest's digest, or "${current}"`,
	)

const arm = z.strictObject({
	version: versionOrLabel,
	/** Its share of the calls is this over the sum of all. */
	weight: z.number().min(0).max(1e6),
})

const shadow = z.strictObject({
	/** Who gets a copy of the calls; its answers are compared and thrown away. */
	version: versionOrLabel,
	/** Share of the calls that are copied. */
	share: z.number().min(0).max(1).default(1),
	/** How far its answers may be from those given. Without it, the tolerance of the manifest's golden samples. */
	tolerance: z
		.strictObject({
			/** Smallest cosine between two vectors. */
			cosine: z.number().min(-1).max(1).optional(),
			/** Largest absolute difference of two elements. */
			absolute: z.number().min(0).optional(),
		})
		.optional(),
})

export const routingSchema = z
	.strictObject({
		/** Names for versions, which calls may ask for in place of a version. */
		labels: z
			.record(labelSchema, versionRef)
			.refine((labels) => Object.keys(labels).length <= mostLabels, `must be ${mostLabels} labels at most`)
			.default({}),
		/** Who answers calls that ask for no version. Without it, the current version. */
		split: z.array(arm).min(1).max(16).optional(),
		/** What decides: each call alone, or the same for all calls of a key or a trace. */
		by: z.enum(['call', 'key', 'trace']).default('call'),
		shadow: shadow.optional(),
	})
	.superRefine(({ labels, split = [], shadow }, context) => {
		const refuse = (path: (string | number)[], message: string) => context.addIssue({ code: 'custom', path, message })
		if (split.length > 0 && !split.some(({ weight }) => weight > 0)) refuse(['split'], 'must give one version a weight above 0')
		split.forEach(({ version }, at) => {
			if (split.findIndex((other) => other.version === version) < at) refuse(['split', at, 'version'], 'stands there already')
			if (isLabel(version) && !Object.hasOwn(labels, version)) refuse(['split', at, 'version'], 'is no label; add it to "labels"')
		})
		if (shadow && isLabel(shadow.version) && !Object.hasOwn(labels, shadow.version))
			refuse(['shadow', 'version'], 'is no label; add it to "labels"')
	})

export type Routing = z.output<typeof routingSchema>
export type ShadowRouting = z.output<typeof shadow>

/** All to the current version. */
export const plainRouting: Routing = { labels: {}, by: 'call' }
