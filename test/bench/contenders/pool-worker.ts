// A worker of the workerpool contender: the same as the bare one's.

import { Transfer, worker } from 'workerpool'
import { stockModel } from './stock.ts'

const model = stockModel(1)

worker({
	embed: async (texts: string[]) => {
		const vectors = await (await model)(texts)
		return new Transfer(
			vectors,
			vectors.map(({ buffer }) => buffer),
		)
	},
})
