// One large batch, divided over two upstreams and given to one.

import type { EdgeConfigInput } from '../../../../edge/config/schema.ts'
import { tensor } from '../../../../runtime/core/tensor.ts'
import { encodeRequest } from '../../../../runtime/remote/oip.ts'
import { rotated } from '../../part.ts'
import { figure, pairedRatio, spread, table } from '../../statistics.ts'
import { benchKey, spillway } from '../contenders/spillway.ts'
import { checked, type Workload } from '../load.ts'
import { type Part, startRowsUpstream, withContenders } from './part.ts'

const rows = 256
/** Milliseconds that an upstream takes for a row. */
const perRow = 1

const warmUps = 20
const calls = 10

const configured =
	(split: number | false) =>
	(addresses: string): EdgeConfigInput => ({
		models: {
			rows: {
				inProcess: false,
				declared: {
					inputs: [{ name: 'x', datatype: 'FP32', shape: ['batch', 4] }],
					outputs: [{ name: 'y', datatype: 'FP32', shape: ['batch', 4] }],
					axes: { batch: {} },
				},
				routing: { split },
			},
		},
		upstreams: addresses.split(' ').map((url, at) => ({ name: `rows-${at}`, kind: 'oip', url, models: { rows: {} } })),
		keys: [benchKey],
	})

function workload(): Workload {
	const data = Float32Array.from({ length: rows * 4 }, (_, at) => at)
	const { body, headers } = encodeRequest({ inputs: { x: tensor('FP32', [rows, 4], data) }, binaryOutput: true })
	return {
		name: 'rows',
		path: '/v2/models/rows/infer',
		headers,
		body: Buffer.from(body),
		check(answer) {
			// The upstream gives back what it gets: joined in order, that is what was sent.
			const values = new Float32Array(Uint8Array.from(answer.subarray(answer.length - data.byteLength)).buffer)
			if (!values.every((value, at) => value === data[at])) throw new Error('the rows came back in another order')
		},
	}
}

export const split: Part = async ({ work, passes, say }) => {
	const upstreams = [await startRowsUpstream(perRow), await startRowsUpstream(perRow)]
	const addresses = upstreams.map(({ ready }) => ready)
	const starts = [spillway({ name: 'two upstreams', config: configured(8) }), spillway({ name: 'one', config: configured(false) })]
	const large = workload()
	try {
		return await withContenders(starts, { upstream: addresses.join(' '), work }, async (contenders) => {
			const times = new Map<string, number[]>(contenders.map(({ name }) => [name, []]))
			for (const contender of contenders) for (let i = 0; i < warmUps; i++) await checked(contender.address(large.path), large)
			for (let pass = 0; pass < passes; pass++)
				for (const contender of rotated(contenders, pass)) {
					const began = performance.now()
					for (let i = 0; i < calls; i++) await checked(contender.address(large.path), large)
					const time = (performance.now() - began) / calls
					times.get(contender.name)?.push(time)
					say(`pass ${pass + 1}, ${contender.name}: ${figure(time)} ms`)
				}
			const one = times.get('one') ?? []
			const told = [...times].map(([name, of]) => [name, spread(of), figure(pairedRatio(of, one))])
			return {
				text: `${rows} rows in a call, upstreams that take ${perRow} ms for a row.\n\n${table(['divided over', 'ms', 'times one'], told)}`,
				samples: Object.fromEntries(times),
			}
		})
	} finally {
		await Promise.all(upstreams.map((upstream) => upstream.stop()))
	}
}
