// Several pieces of work at a time, their results in the order that they were asked for.

/**
 * @param most pieces under way at a time; the next input is not taken before there is room.
 * @param work on one input. Where it rejects, the results end with its error.
 * @example yield* inOrder(requests, 16, answerOne)
 */
export async function* inOrder<Input, Result>(
	inputs: AsyncIterable<Input>,
	most: number,
	work: (input: Input) => Promise<Result>,
): AsyncGenerator<Result> {
	const iterator = inputs[Symbol.asyncIterator]()
	const underWay: Promise<Result>[] = []
	let next: Promise<IteratorResult<Input>> | undefined = taken(iterator.next())
	try {
		while (next || underWay.length > 0) {
			const [oldest] = underWay
			const ready = await Promise.race([
				...(next && underWay.length < most ? [next.then((input) => ({ input }))] : []),
				...(oldest ? [oldest.then((result) => ({ result }))] : []),
			])
			if ('result' in ready) {
				underWay.shift()
				yield ready.result
			} else if (ready.input.done) {
				next = undefined
			} else {
				underWay.push(taken(work(ready.input.value)))
				next = taken(iterator.next())
			}
		}
	} finally {
		// Not awaited: it may wait for the client.
		iterator.return?.()?.catch(() => {})
	}
}

/** Whether it rejects is seen when it is waited for; until then that is nobody's unhandled rejection. */
function taken<T>(promise: Promise<T>): Promise<T> {
	promise.catch(() => {})
	return promise
}
