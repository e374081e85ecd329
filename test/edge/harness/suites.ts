// All suites over HTTP that an edge must pass, whatever it runs on.

import { describe } from 'vitest'
import { authSuite } from '../suites/auth.ts'
import { clientsSuite } from '../suites/clients.ts'
import { faultsSuite } from '../suites/faults.ts'
import { grpcSuite } from '../suites/grpc.ts'
import { hostedSuite } from '../suites/hosted.ts'
import { identicalSuite } from '../suites/identical.ts'
import { metricsSuite } from '../suites/metrics.ts'
import { oipSuite } from '../suites/oip.ts'
import { openaiSuite } from '../suites/openai.ts'
import { openapiSuite } from '../suites/openapi.ts'
import { tasksSuite } from '../suites/tasks.ts'
import { telemetrySuite } from '../suites/telemetry.ts'
import { tfservingSuite } from '../suites/tfserving.ts'
import { tfservingGrpcSuite } from '../suites/tfserving-grpc.ts'
import type { EdgeUnderTest } from '../suites/under-test.ts'

const suites = {
	authSuite,
	clientsSuite,
	faultsSuite,
	grpcSuite,
	hostedSuite,
	identicalSuite,
	metricsSuite,
	oipSuite,
	openaiSuite,
	openapiSuite,
	tasksSuite,
	telemetrySuite,
	tfservingGrpcSuite,
	tfservingSuite,
}

/** @param edge started with `suitesConfig` and `suiteModels`. */
export function allSuites(edge: () => EdgeUnderTest): void {
	for (const [name, suite] of Object.entries(suites)) describe(name, () => suite(edge))
}
