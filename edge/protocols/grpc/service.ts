// What a gRPC service is: those that call models are listed in `services.ts`.

import type { DescService } from '@bufbuild/protobuf'
import type { ConnectRouter, ConnectRouterOptions, ServiceImpl } from '@connectrpc/connect'
import type { EdgeParts } from '../../parts.ts'

export interface GrpcService {
	/** As it was generated. */
	readonly service: DescService
	/** Methods by their names in TypeScript (`modelInfer`) that need a key with the scope `infer`, which is checked before their input is read. */
	readonly keyed: readonly string[]
	/** Text of its proto files by path, served under `/proto/`. */
	readonly protos: Readonly<Record<string, string>>
	/** Adds it to the router. */
	register(router: ConnectRouter, parts: EdgeParts, options?: ConnectRouterOptions): void
}

/**
 * Makes a service. Its methods throw SpillwayErrors, which become gRPC's status codes, and get the request by `contextOf`.
 *
 * @param methods what it does; a method that is left out answers `UNIMPLEMENTED`.
 * @example export const health = grpcService(Health, { keyed: [], protos, methods: () => ({ check: () => ({ status: 1 }) }) })
 */
export const grpcService = <Service extends DescService>(
	service: Service,
	{
		keyed,
		protos,
		methods,
	}: {
		keyed: readonly (keyof Service['method'] & string)[]
		protos: GrpcService['protos']
		methods(parts: EdgeParts): Partial<ServiceImpl<Service>>
	},
): GrpcService => ({
	service,
	keyed,
	protos,
	register: (router, parts, options) => {
		router.service(service, methods(parts), options)
	},
})
