// Which kinds of session workers there are on a device.

import { expect, test } from 'vitest'
import type { Manifest } from '../../models/format/manifest.ts'
import type { Tuning } from '../../runtime/device/control.ts'
import { absentProviders, type Device, firstKind, nameOf, otherKinds } from '../../runtime/device/serving/kind.ts'
import { packed, textDescription } from './tiny.ts'

const { manifest } = await packed(textDescription())
const fp32 = manifest.variants.fp32 as Manifest['variants'][string]
const small = { file: 'webgpu.onnx', external: [], tolerance: { absolute: 1 } }
const forGpus: Manifest = { ...manifest, variants: { fp32: { ...fp32, graphs: { ...fp32.graphs, webgpu: small } } } }
const adapter = { vendor: 'v', architecture: 'a', device: 'd', description: '' }
const device: Device = { cores: 2, threads: false, noGpuBuild: null, gpu: null, webnn: false }

function kinds(over: Partial<Device> = {}, tuning: Tuning = {}, of = manifest): string[] {
	const here = { ...device, ...over }
	const first = firstKind(of, tuning, here)
	return [nameOf(first), ...otherKinds(of, tuning, here, first).map(nameOf)]
}
const workers = (workers: number, threads = 1) =>
	`wasm, ${workers} worker${workers > 1 ? 's' : ''} of ${threads} thread${threads > 1 ? 's' : ''}`

test('one processor: one worker, nothing to try', () => expect(kinds({ cores: 1 })).toEqual([workers(1)]))

test('without isolation several workers are the only parallelism', () => {
	expect(kinds()).toEqual([workers(2), workers(2)])
	expect(kinds({ cores: 4 })).toEqual([workers(4), workers(4), workers(2)])
	expect(kinds({ cores: 16 })).toEqual([workers(4), workers(4), workers(8), workers(2)])
})

test('isolated: threads, too, and both', () => {
	expect(kinds({ threads: true })).toEqual([workers(2), workers(2), workers(1, 2)])
	expect(kinds({ cores: 8, threads: true })).toEqual([workers(4), workers(4), workers(8), workers(2), workers(1, 8), workers(4, 2)])
})

test('what the application fixes is not varied', () => {
	expect(kinds({ cores: 8, threads: true }, { workers: 1, threads: 1 })).toEqual([workers(1)])
	expect(kinds({ cores: 8, threads: true }, { threads: 2 })).toEqual(
		[workers(4, 2), workers(4, 2), workers(8, 2), workers(2, 2), workers(1, 2)].slice(0, -1),
	)
	expect(kinds({ cores: 8, threads: true }, { workers: 3 })).toEqual([workers(3), workers(3), workers(3, 8), workers(3, 2)])
	// Threads that cannot be had.
	expect(kinds({ cores: 8 }, { workers: 3, threads: 4 })).toEqual([workers(3)])
})

test('a GPU is tried where it is named, there, and the model has a graph for it', () => {
	const named: Tuning = { providers: ['wasm', 'webgpu', 'webnn'] }
	expect(kinds({ gpu: adapter, webnn: true }, {}, forGpus)).not.toContain('webgpu')
	expect(kinds({ gpu: adapter, webnn: true }, named, forGpus)).toEqual([workers(2), workers(2), 'webgpu', 'webnn'])
	expect(kinds({ gpu: adapter, webnn: true }, named)).toEqual([workers(2), workers(2)])
	expect(kinds({}, named, forGpus)).toEqual([workers(2), workers(2)])
	expect(kinds({ gpu: adapter, noGpuBuild: 'no JSPI' }, named, forGpus)).toEqual([workers(2), workers(2)])
})

test('why a provider that was named is not tried is told', () => {
	const named: Tuning = { providers: ['wasm', 'webgpu', 'webnn'] }
	const absent = (over: Partial<Device>, of = forGpus) =>
		Object.fromEntries(absentProviders(of, named, { ...device, ...over }, firstKind(of, named, device)))
	expect(absent({})).toEqual({ webgpu: 'there is no WebGPU adapter here', webnn: 'this browser has no WebNN' })
	expect(absent({ noGpuBuild: 'no JSPI' })).toEqual({ webgpu: 'no JSPI', webnn: 'no JSPI' })
	expect(absent({ gpu: adapter, webnn: true })).toEqual({})
	expect(absent({}, manifest).webgpu).toBe('the model has no graph for it')
})

test('a model without a graph for WebAssembly is refused', () => {
	const none: Manifest = { ...manifest, variants: { fp32: { ...fp32, graphs: { cpu: small } } } }
	expect(() => firstKind(none, {}, device)).toThrow(expect.objectContaining({ code: 'unsupported' }))
})
