// ONNX Runtime's WebAssembly in the engine: the digests that are built in are those of the installed package, and nothing else is ever compiled for use.

import { readFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { digestOf } from '../../models/format/digest.ts'
import type { EngineSettings } from '../../runtime/device/control.ts'
import { buildsOf } from '../../runtime/device/serving/builds.ts'
import { type Build, compileWasm, ortBuilds } from '../../runtime/device/wasm.ts'
import { memoryStorage } from '../../runtime/store/storage/memory.ts'

const installed = (file: string) => readFile(new URL(`../../node_modules/onnxruntime-web/dist/${file}`, import.meta.url))

test.each(Object.keys(ortBuilds) as Build[])('%s: digest and size are those of the installed onnxruntime-web', async (build) => {
	const { file, digest, size } = ortBuilds[build]
	const bytes = await installed(file)
	expect({ digest, size }, 'after another onnxruntime-web was installed, change runtime/device/wasm.ts').toEqual({
		digest: await digestOf(bytes),
		size: bytes.byteLength,
	})
})

describe('compiling it', () => {
	/** A module with nothing in it. */
	const other = Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0)
	let file: Buffer
	let server: Server
	let url: string
	let asked: number
	let answer: { type: string; body: Uint8Array }
	beforeEach(async () => {
		file = await installed(ortBuilds.wasm.file)
		asked = 0
		answer = { type: 'application/wasm', body: file }
		server = createServer((_, response) => {
			asked++
			response.writeHead(200, { 'content-type': answer.type }).end(answer.body)
		}).listen(0, '127.0.0.1')
		await new Promise((listening) => server.once('listening', listening))
		url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/ort.wasm`
		vi.stubGlobal('self', { origin: new URL(url).origin })
		// Node has no HTTP cache, and asks the network all the same.
		const { fetch } = globalThis
		vi.stubGlobal('fetch', (url: URL, init: RequestInit) =>
			init.cache === 'only-if-cached' ? Promise.reject(new TypeError('it is not in the cache')) : fetch(url, init),
		)
	})
	afterEach(() => {
		vi.unstubAllGlobals()
		vi.restoreAllMocks()
		server.closeAllConnections()
		server.close()
	})
	const compile = (storage: ReturnType<typeof memoryStorage>) => compileWasm(url, storage, new AbortController().signal)
	const exportsOf = (module: WebAssembly.Module) => WebAssembly.Module.exports(module).length

	test('happens while it comes; the next time storage has it', async () => {
		const whole = vi.spyOn(WebAssembly, 'compile')
		const storage = memoryStorage()
		const first = await compile(storage)
		expect(exportsOf(first.module)).toBeGreaterThan(10)
		expect([first.stored, asked, whole.mock.calls.length]).toEqual([false, 1, 0])
		const second = await compile(storage)
		expect(exportsOf(second.module)).toBeGreaterThan(10)
		expect([second.stored, asked]).toEqual([true, 1])
	})

	test('whether it is here is known without a download: stored, or compiled already', async () => {
		const { signal } = new AbortController()
		const storage = memoryStorage()
		const assets = { wasm: url, session: url } as EngineSettings['assets']
		const builds = () => buildsOf({ assets, quiet: false, storage, signal }).wasm
		const before = builds()
		expect(await before.isHere()).toBe(false)
		expect(asked).toBe(0)
		await before.compiled()
		expect(await builds().isHere()).toBe(true)
		await storage.bytes.delete(ortBuilds.wasm.digest)
		expect([await before.isHere(), await builds().isHere(), asked]).toEqual([true, false, 1])
	})

	test('happens also when the server gives another type', async () => {
		answer.type = 'application/octet-stream'
		expect(exportsOf((await compile(memoryStorage())).module)).toBeGreaterThan(10)
	})

	test.each([
		['another module', () => other],
		['a flipped byte at its end', () => Buffer.concat([file.subarray(0, -1), Buffer.of((file.at(-1) as number) ^ 1)])],
	])('%s is never handed out, however well it compiles', async (_, body) => {
		answer.body = body()
		const storage = memoryStorage()
		await expect(compile(storage)).rejects.toMatchObject({ code: 'integrity' })
		expect(await storage.bytes.keys()).toEqual([])
	})

	test('what was stored wrong is fetched again', async () => {
		const storage = memoryStorage()
		await storage.versions.keep('wasm', ortBuilds.wasm.digest)
		await storage.bytes.set(ortBuilds.wasm.digest, other)
		const found = await compile(storage)
		expect(exportsOf(found.module)).toBeGreaterThan(10)
		expect([found.stored, asked]).toEqual([false, 1])
	})

	test("the browser's own cache is asked first, and not believed", async () => {
		const storage = memoryStorage()
		await compile(storage)
		const fetched = vi
			.spyOn(globalThis, 'fetch')
			.mockImplementation(async () => new Response(new Uint8Array(answer.body), { headers: { 'content-type': answer.type } }))
		expect((await compile(storage)).stored).toBe(true)
		expect(fetched).toHaveBeenCalledExactlyOnceWith(new URL(url), expect.objectContaining({ cache: 'only-if-cached' }))
		answer.body = other
		const { module, stored } = await compile(storage)
		expect([exportsOf(module) > 10, stored]).toEqual([true, true])
	})
})
