// Lets the event loop turn before each run: ONNX Runtime Web computes without a break, and a chain of runs would keep new requests,
// deadlines and clients that left from being noticed until its end.

import type { InferenceSession, Ort } from '../../../runtime/session/ort.ts'

const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0))

/** The same ONNX Runtime, whose sessions wait one turn before each run. */
export function inTurns(ort: Ort): Ort {
	const { create } = ort.InferenceSession
	const createInTurns = async (...parameters: Parameters<typeof create>): Promise<InferenceSession> => {
		const session = await create(...parameters)
		const run = session.run.bind(session) as (...given: unknown[]) => Promise<InferenceSession.OnnxValueMapType>
		session.run = async (...given: unknown[]) => {
			await turn()
			return run(...given)
		}
		return session
	}
	return { Tensor: ort.Tensor, InferenceSession: { create: createInTurns as typeof create } }
}
