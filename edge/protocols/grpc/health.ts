// gRPC's health service: of the server, of its services, and of its models by name. Needs no key, as probes have none.
// https://github.com/grpc/grpc/blob/master/doc/health-checking.md

import { SpillwayError } from '../../../runtime/core/error.ts'
import { probeHopsOf } from '../../guard/context.ts'
import { findModel } from '../served.ts'
import { contextOf } from './context.ts'
import { keylessStreams } from './keyless.ts'
import { Health, HealthCheckResponse_ServingStatus as Status } from './proto/grpc/health/v1/health_pb.ts'
import { protos } from './proto/sources.ts'
import { readyModels } from './ready.ts'
import { type GrpcService, grpcService } from './service.ts'

/** Milliseconds between two looks at what is watched. */
const pause = 2_000

/** @param services whose names may be asked for: each is up when the server is. */
export const health = (services: readonly GrpcService[]): GrpcService =>
	grpcService(Health, {
		keyed: [],
		protos,
		methods(parts) {
			const keyless = keylessStreams()
			const names = new Set(['', ...services.map(({ service }) => service.typeName)])
			const statusOf = async (name: string, hops: number): Promise<Status> => {
				const ready = names.has(name) ? await readyModels(parts, hops) : await (await findModel(parts.models, name)).ready(hops)
				return ready ? Status.SERVING : Status.NOT_SERVING
			}
			return {
				async check({ service }, context) {
					return { status: await statusOf(service, probeHopsOf(contextOf(context), parts.config.limits)) }
				},
				watch: ({ service }, context) =>
					keyless(context.signal, async function* (signal) {
						const hops = probeHopsOf(contextOf(context), parts.config.limits)
						let last: Status | undefined
						while (!signal.aborted) {
							const status = await statusOf(service, hops).catch(unknown)
							if (status !== last) yield { status }
							last = status
							await sleep(pause, signal)
						}
					}),
			}
		},
	})

/** Of what is watched: it may come to be known. */
function unknown(error: unknown): Status {
	if (error instanceof SpillwayError && error.code === 'not-found') return Status.SERVICE_UNKNOWN
	if (error instanceof SpillwayError) return Status.NOT_SERVING
	throw error
}

/** Also ends when the signal aborts. */
const sleep = (milliseconds: number, signal: AbortSignal): Promise<void> =>
	new Promise((resolve) => {
		const end = () => {
			clearTimeout(timer)
			signal.removeEventListener('abort', end)
			resolve()
		}
		const timer = setTimeout(end, milliseconds)
		signal.addEventListener('abort', end)
	})
