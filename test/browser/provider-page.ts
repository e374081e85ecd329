// What tests of execution providers do in a page: load, ask who serves, and change what was remembered.

import type { Page } from 'playwright-core'
import type { ModelReport } from '../../runtime/device/control.ts'
import type { RuntimeOptions } from '../../runtime/index.ts'
import type { Models } from './models.ts'

/** WebGPU on a software adapter: right, but a hundred times slower than a GPU. */
export const gpuFlags = ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader']

/** Makes the page's runtime and loads a model. */
export const load = (page: Page, { trust }: Pick<Models, 'trust'>, name: string, options: Partial<RuntimeOptions> = {}) =>
	page.evaluate(
		async ([name, options]) => {
			window.runtime = window.spillway.createRuntime({ models: '/models/', policy: 'device-only', assets: '/spillway/', ...options })
			await window.runtime.load(name)
		},
		[name, { trust, ...options }] as const,
	)

export type Serving = NonNullable<ModelReport['serving']>

export async function servingOf(page: Page, name: string): Promise<Serving> {
	const { device } = await page.evaluate((name) => window.runtime.model(name).explain(), name)
	const serving = device?.report?.serving
	if (!serving) throw new Error(`${name} does not serve`)
	return serving
}

/** Who serves once all is measured. */
export async function chosen(page: Page, name: string): Promise<Serving> {
	for (const end = Date.now() + 120_000; Date.now() < end; ) {
		const serving = await servingOf(page, name)
		if (/^(measured|there is no other choice)/.test(serving.why)) return serving
		await new Promise((resolve) => setTimeout(resolve, 100))
	}
	throw new Error(`${name} was not measured: ${JSON.stringify(await servingOf(page, name))}`)
}

/** What the browser keeps of a trial. */
export interface KeptTrial {
	provider: string
	gain: number | null
	device: string | null
}

/** Changes what was remembered of WebGPU, as if it had been another time. */
export const changeKept = (page: Page, change: Partial<KeptTrial>) =>
	page.evaluate(async (change) => {
		const request = <T>(one: IDBRequest<T>) =>
			new Promise<T>((resolve, reject) => {
				one.onsuccess = () => resolve(one.result)
				one.onerror = () => reject(one.error)
			})
		const store = (await request(indexedDB.open('spillway'))).transaction('records', 'readwrite').objectStore('records')
		for (const key of await request(store.getAllKeys())) {
			if (!String(key).startsWith('serving ')) continue
			const kept = (await request(store.get(key))) as { trials: KeptTrial[] }
			for (const trial of kept.trials) if (trial.provider === 'webgpu') Object.assign(trial, change)
			await request(store.put(kept, key))
		}
	}, change)

/** A long signal of the ring, several times at once: the providers that answered, or the errors. */
export const filter = (page: Page, calls: number, samples: number) =>
	page.evaluate(
		([calls, samples]) =>
			Promise.all(
				Array.from({ length: calls }, (_, index) =>
					window.runtime
						.model('ring')
						.infer(
							{
								signal: {
									datatype: 'FP32',
									shape: [samples],
									data: Float32Array.from({ length: samples }, (_, at) => Math.sin(at * (index + 1))),
								},
								gain: { datatype: 'FP32', shape: [1], data: Float32Array.of(1) },
							},
							{ deadline: 60_000 },
						)
						.then(
							({ tensors, ran }) => ({ provider: ran.provider, filtered: Array.from(tensors.filtered?.data ?? [], Number) }),
							(error) => ({ provider: `${error.code}: ${error.message}`, filtered: [] as number[] }),
						),
				),
			),
		[calls, samples] as const,
	)
