// What the runtime says in codes, said to a customer.

import type { OverflowReason, Policy, Provenance } from '../../runtime/index.ts'

const reasons: Record<OverflowReason, string> = {
	loading: 'the model was still loading here',
	queue: 'this device still had other questions to work on',
	deadline: 'this device would not have finished in time',
	memory: 'this device has too little memory for the model',
	unsupported: 'this browser cannot run the model',
	unhealthy: 'the model did not pass its check on this device',
	policy: 'you chose answers from our edge only',
}

/** Whether an answer was made on the device. */
export const onDevice = (ran: Provenance): boolean => ran.executor === 'device'

/** Who answered, e.g. `This device`. */
export function whereWords(ran: Provenance): string {
	if (onDevice(ran)) return 'This device'
	return ran.executor === 'edge' ? 'Our edge' : `Our server “${ran.executor}”`
}

/** Why the answer was made there, as a sentence without its full stop. */
export function whyWords(ran: Provenance, policy: Policy): string {
	const passed = ran.overflow.find((overflow) => overflow.executor === 'device') ?? ran.overflow[0]
	if (passed) return `Not on this device, because ${reasons[passed.reason]}`
	if (onDevice(ran)) return policy === 'device-only' ? 'Nothing was sent, as you asked' : 'The model is here, so your words were not sent'
	return `Not on this device, because ${reasons.policy}`
}

export interface Trouble {
	readonly title: string
	readonly hint: string
}

const codeOf = (error: unknown): string =>
	typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : 'internal'

/** What went wrong with a question, and what the customer can do. */
export function troubleWords(error: unknown, policy: Policy): Trouble {
	switch (codeOf(error)) {
		case 'network':
			return policy === 'edge-only'
				? { title: 'Our edge cannot be reached', hint: 'Check your connection, or let this device answer.' }
				: {
						title: 'No one could answer',
						hint: 'The model is not on this device yet, and our edge cannot be reached. Check your connection.',
					}
		case 'deadline-exceeded':
			return { title: 'That took too long', hint: 'Please ask again. Closing other tabs can help a busy device.' }
		case 'rate-limited':
			return { title: 'Too many questions at once', hint: 'Please wait a minute, or let this device answer.' }
		case 'unavailable':
			return { title: 'The model is not on this device yet', hint: 'Load it first: it is a download of 24 MB, once.' }
		case 'too-large':
			return { title: 'That question is too long', hint: 'A sentence or two is enough.' }
		case 'unauthenticated':
		case 'forbidden':
			return { title: 'Our edge does not know this page', hint: 'Reload the page to get a new key, or let this device answer.' }
		default:
			return policy === 'device-only'
				? { title: 'This device could not answer', hint: 'You can let our edge answer instead.' }
				: { title: 'Something went wrong', hint: 'Please ask again, or ring us on 01632 960 482.' }
	}
}

/** Why the model could not be loaded. */
export function loadTroubleWords(error: unknown): string {
	switch (codeOf(error)) {
		case 'network':
			return 'The model cannot be fetched: there is no connection.'
		case 'storage-full':
			return 'There is too little free storage for the model.'
		case 'out-of-memory':
			return 'There is too little free memory for the model.'
		case 'golden-mismatch':
			return 'The model gave wrong results in its self-test on this device and is not used here.'
		case 'environment':
		case 'unsupported':
			return 'This browser lacks something that the model needs.'
		case 'integrity':
		case 'untrusted':
			return 'What was fetched is not what we published, so it is not used.'
		default:
			return 'The model cannot be loaded on this device.'
	}
}
