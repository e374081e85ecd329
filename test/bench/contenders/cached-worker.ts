// The worker of the bare contender that keeps its files in Cache Storage.

import { answerInOrder } from './asking.ts'
import { stockModel } from './stock.ts'

async function read(address: string): Promise<Response> {
	const cache = await caches.open('bare')
	const kept = await cache.match(address)
	if (kept) return kept
	await cache.add(address)
	return (await cache.match(address)) as Response
}

answerInOrder(stockModel(1, read))
