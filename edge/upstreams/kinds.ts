// The kinds of upstreams that a configuration can name.

import { z } from 'zod'
import { oip } from './oip/index.ts'
import type { UpstreamKind } from './upstream.ts'

const kinds = [oip] as const

/** The schema of an upstream's configuration: that of its kind. */
export const upstreamSchema = z.discriminatedUnion('kind', [oip.schema])

export type UpstreamConfig = z.output<typeof upstreamSchema>

/** The kind of a configured upstream. */
export const kindOf = ({ kind }: UpstreamConfig): UpstreamKind<string, z.ZodRawShape> =>
	kinds.find((one) => one.kind === kind) as unknown as UpstreamKind<string, z.ZodRawShape>
