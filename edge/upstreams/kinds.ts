// The kinds of upstreams that a configuration can name.

import { z } from 'zod'
import { azureml } from './azureml/index.ts'
import { http } from './http/index.ts'
import { oip } from './oip/index.ts'
import { oipGrpc } from './oip-grpc/index.ts'
import { openai } from './openai/index.ts'
import { rayServe } from './ray-serve/index.ts'
import { sagemaker } from './sagemaker/index.ts'
import { tfserving } from './tfserving/index.ts'
import { torchserve } from './torchserve/index.ts'
import type { UpstreamKind } from './upstream.ts'

const kinds = [oip, oipGrpc, openai, http, torchserve, rayServe, sagemaker, azureml, tfserving] as const

/** The schema of an upstream's configuration: that of its kind. */
export const upstreamSchema = z.discriminatedUnion('kind', [
	oip.schema,
	oipGrpc.schema,
	openai.schema,
	http.schema,
	torchserve.schema,
	rayServe.schema,
	sagemaker.schema,
	azureml.schema,
	tfserving.schema,
])

export type UpstreamConfig = z.output<typeof upstreamSchema>

/** The kind of a configured upstream. */
export const kindOf = ({ kind }: UpstreamConfig): UpstreamKind<string, z.ZodRawShape> =>
	kinds.find((one) => one.kind === kind) as unknown as UpstreamKind<string, z.ZodRawShape>
