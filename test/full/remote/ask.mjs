// What a server-side application asks of an edge through `spillway/remote`, the same in every JavaScript runtime.

/**
 * @param {typeof import('../../../runtime/page/remote.ts')} remote the module under test.
 * @param {{ address: string, key: string }} to
 * @returns {Promise<object>} what came of it, as JSON can say it.
 */
export async function askEdge({ connect, tensor }, to) {
	const edge = connect(to)
	const x = tensor('FP32', [1, 4], Float32Array.of(1, 2, 3, 4))
	const { tensors, ran } = await edge.model('tiny').infer({ x })
	const { vectors, space } = await edge.model('m').embed(['hello world', 'hello'])
	const chunks = []
	const chat = edge.model('chat')
	const whole = await chat.generate({ messages: [{ role: 'user', content: 'How?' }] })
	const streamed = await chat.generate(
		{ messages: [{ role: 'user', content: 'How?' }] },
		{
			onChunk: ({ choices }) => {
				chunks.push(choices[0]?.delta.content ?? '')
			},
		},
	)
	const codeOf = (promise) =>
		promise.then(
			() => 'answered',
			(error) => error.code,
		)
	const unknown = await codeOf(edge.model('elsewhere').infer({ x }))
	const refused = await codeOf(
		connect({ ...to, key: 'sk_wrong' })
			.model('tiny')
			.infer({ x }),
	)
	const late = await codeOf(chat.generate({ messages: [{ role: 'user', content: 'How?' }] }, { deadline: 0 }))
	const broken = await codeOf(
		chat.generate(
			{ messages: [{ role: 'user', content: 'How?' }] },
			{
				onChunk: () => {
					throw new Error('no room')
				},
			},
		),
	)
	const unplain = await codeOf(chat.generate({ messages: [{ role: 'user', content: () => {} }] }))
	const oip = connect({ ...to, protocol: 'oip' })
	const plain = await oip.model('tiny').infer({ x })
	await edge.dispose()
	const disposed = await codeOf(edge.model('tiny').infer({ x }))
	return {
		y: [...tensors.y.data],
		hops: ran.hops,
		executor: ran.executor,
		vectors: vectors.map((vector) => [...vector]),
		space,
		text: whole.completion.choices[0].message.content,
		streamed: streamed.completion.choices[0].message.content,
		chunks: chunks.filter((text) => text !== ''),
		plain: [...plain.tensors.y.data],
		errors: { unknown, refused, late, broken, unplain, disposed },
	}
}
