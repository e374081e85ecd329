// One trace joins a page, its edge and a real Triton, for a call that overflowed twice.

import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { toTensorData } from '../../models/format/tensor-data.ts'
import { tensor } from '../../runtime/core/tensor.ts'
import { getBrowser } from '../browser/launch.ts'
import { openPage, pageHtml, runtimeFolder } from '../browser/page.ts'
import { type Site, serveSite } from '../browser/site.ts'
import { type PackedFolder, packModels } from '../edge/harness/models.ts'
import { type RunningNode, startNode } from '../edge/harness/node.ts'
import { call, expectedNumbers, keys, suiteConfig, suiteModels } from '../edge/suites/under-test.ts'
import { type RunningTriton, startTriton, type TritonSpan, tritonPython } from './triton.ts'

/** The model with golden samples that no session gives: neither page nor edge may serve it. */
function neverRight() {
	const source = suiteModels().find(({ description }) => description.model === 'tiny')
	if (!source) throw new Error('no model')
	const description = structuredClone(source.description)
	for (const { golden } of Object.values(description.variants))
		for (const sample of golden) Object.assign(sample.outputs, { y: toTensorData(tensor('FP32', [1, 3], new Float32Array(3))) })
	return { ...source, description }
}

describe.skipIf(!tritonPython).each(['oip', 'oip-grpc'] as const)('over an upstream of the kind %s', (kind) => {
	let triton: RunningTriton
	let packed: PackedFolder
	let edge: RunningNode
	let browser: Browser
	let site: Site

	beforeAll(async () => {
		triton = await startTriton()
		packed = await packModels([neverRight()])
		const url = kind === 'oip' ? triton.url : triton.grpcUrl
		const upstreams = [{ name: 'triton', kind, url, models: { tiny: {} } }]
		edge = await startNode({ config: { ...suiteConfig, models: { tiny: {} }, upstreams }, models: packed.folder, until: 'listening' })
		browser = await getBrowser()
		site = await serveSite({ mounts: { '/': { text: pageHtml }, '/spillway/': `${runtimeFolder}/` } })
	})
	afterAll(async () => {
		await edge?.close()
		await packed?.remove()
		await triton?.close()
	})

	/** As the edge tells of pages and of itself, in OTLP. */
	async function spansOf(service: string): Promise<TritonSpan[]> {
		const { resourceSpans } = await (await call({ url: edge.url, space: '' }, '/v1/telemetry', { key: keys.metrics })).json()
		type Resource = { resource: { attributes: { value: { stringValue: string } }[] }; scopeSpans: { spans: TritonSpan[] }[] }
		const own = (resourceSpans as Resource[]).filter(({ resource }) => resource.attributes[0]?.value.stringValue === service)
		return own.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans))
	}

	test('page, edge and Triton speak of one trace, each below the other', async () => {
		const page = await openPage(browser, site)
		const { numbers, ran } = await page.evaluate(
			async ({ edge, key }) => {
				const runtime = window.spillway.createRuntime({ edge, key, telemetry: { sample: 1 } })
				const x = { datatype: 'FP32' as const, shape: [1, 4], data: Float32Array.of(1, 2, 3, 4) }
				const { tensors, ran } = await runtime.model('tiny').infer({ x }, { deadline: 60_000 })
				await runtime.dispose()
				return { numbers: Array.from(tensors.y?.data as Float32Array), ran }
			},
			{ edge: edge.url, key: keys.demo },
		)
		expect(numbers).toEqual(expectedNumbers)
		expect(ran).toMatchObject({ executor: 'triton', hops: 2, overflow: [{ executor: 'device' }, { executor: 'edge' }] })

		await expect.poll(() => spansOf('spillway-page')).toContainEqual(expect.objectContaining({ name: expect.stringContaining('tiny') }))
		const [ofPage] = (await spansOf('spillway-page')).filter(({ parentSpanId }) => parentSpanId === undefined)
		const [ofEdge] = (await spansOf('spillway-edge')).filter(({ traceId }) => traceId === ofPage?.traceId)
		expect((await spansOf('spillway-page')).map(({ spanId }) => spanId)).toContain(ofEdge?.parentSpanId)
		const inTrace = () => triton.spans.filter(({ traceId }) => traceId === ofPage?.traceId)
		await expect.poll(inTrace, { timeout: 30_000 }).toContainEqual(expect.objectContaining({ name: 'tiny' }))
		const known = new Set(inTrace().map(({ spanId }) => spanId))
		const [outermost] = inTrace().filter(({ parentSpanId }) => !known.has(parentSpanId ?? ''))
		expect(outermost?.parentSpanId).toBe(ofEdge?.spanId)
	})
})
