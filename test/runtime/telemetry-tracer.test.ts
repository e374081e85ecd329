// Spans for the application's tracer.

import { type Tracer as RealTracer, trace } from '@opentelemetry/api'
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base'
import { afterEach, describe, expect, expectTypeOf, test } from 'vitest'
import { reportSchema } from '../../edge/telemetry/schema.ts'
import { isTraceParent } from '../../runtime/core/trace.ts'
import { pageTelemetry } from '../../runtime/page/telemetry.ts'
import { deviceClass } from '../../runtime/telemetry/device.ts'
import type { Tracer } from '../../runtime/telemetry/options.ts'
import { makeRecorder } from '../../runtime/telemetry/recorder.ts'
import { makeReport } from '../../runtime/telemetry/report.ts'
import { make } from './telemetry-collected.ts'
import { answered, failed, ranHere } from './telemetry-observations.ts'

describe("the application's OpenTelemetry", () => {
	const exporter = new InMemorySpanExporter()
	const tracer = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }).getTracer('app')
	afterEach(() => exporter.reset())

	test('a tracer without a provider, or one that throws, costs neither calls nor reports', () => {
		const broken = {
			startSpan() {
				throw new Error('broken')
			},
		}
		for (const tracer of [trace.getTracer('no provider'), broken]) {
			const assets = { telemetry: 'data:text/javascript,export const startTelemetry = () => () => {}' }
			const page = pageTelemetry({ telemetry: { tracer }, assets } as never, new AbortController().signal)
			const call = page.watch({ operation: 'embed', model: 'minilm', policy: 'prefer-device' })
			expect(isTraceParent(call.trace)).toBe(true)
			call.end(undefined, 'network')
			const recorder = makeRecorder()
			recorder.call(failed('network', { trace: call.trace }), 112)
			const report = makeReport({ version: '0.1.0', ...deviceClass({}, false) }, recorder.take(), Date.now())
			expect(reportSchema.safeParse(report)).toMatchObject({ success: true })
		}
	})

	test('its tracer fits', () => expectTypeOf<RealTracer>().toExtend<Tracer>())

	test('gets a span for a call, by the semantic conventions', () => {
		const { telemetry } = make({ reporting: null, tracer })
		const ran = { ...ranHere, executor: 'gpu-a', hops: 2, overflow: [{ executor: 'device', reason: 'loading' as const }] }
		telemetry.observe(answered({ span: tracer.startSpan('spillway minilm'), ran }), performance.now())
		const [span] = exporter.getFinishedSpans()
		expect(span?.name).toBe('embeddings minilm')
		expect(span?.attributes).toMatchObject({
			'gen_ai.operation.name': 'embeddings',
			'gen_ai.request.model': 'minilm',
			'gen_ai.response.model': 'minilm@1.0.0',
			'server.address': 'edge.example.com',
			'server.port': 443,
			'spillway.executor': 'gpu-a',
			'spillway.provider': 'wasm',
			'spillway.run': 10,
			'spillway.batch': 4,
			'spillway.overflow': ['device: loading'],
		})
		expect(span?.status.code).toBe(0)
	})

	test('a call that failed, a load, and a call that ends after the runtime', async () => {
		const { telemetry } = make({ reporting: null, tracer })
		telemetry.observe(failed('network', { operation: 'infer', span: tracer.startSpan('x') }), performance.now())
		telemetry.observe({ type: 'progress', model: 'minilm', phase: 'channel', loaded: 0, stored: 0, total: 0, left: null }, 10)
		telemetry.observe({ type: 'progress', model: 'minilm', phase: 'files', loaded: 7, stored: 3, total: 7, left: null }, 20)
		telemetry.observe({ type: 'load', model: 'minilm', start: 5 }, 50)
		await telemetry.stop()
		telemetry.observe(failed('disposed', { span: tracer.startSpan('y') }), performance.now())
		const [call, load, late] = exporter.getFinishedSpans()
		expect(call?.name).toBe('infer minilm')
		expect(call?.attributes).toMatchObject({ 'error.type': 'network' })
		expect(call?.status).toMatchObject({ code: 2, message: 'network' })
		expect(load?.attributes).toMatchObject({
			'spillway.operation': 'load',
			'spillway.load.channel': 10,
			'spillway.load.files': 30,
			'spillway.downloaded': 4,
			'spillway.stored': 3,
		})
		expect(load?.duration[1]).toBe(45e6)
		expect(late?.attributes).toMatchObject({ 'error.type': 'disposed' })
	})
})
