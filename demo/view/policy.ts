// The switch for where answers may be made.

import type { Policy } from '../../runtime/index.ts'
import { find } from './element.ts'

const form = find('policy', HTMLFormElement)
const policies: readonly Policy[] = ['prefer-device', 'device-only', 'edge-only']

export const isPolicy = (value: unknown): value is Policy => policies.includes(value as Policy)

/** Sets the switch. */
export function choosePolicy(policy: Policy): void {
	const choice = form.elements.namedItem('policy')
	if (choice instanceof RadioNodeList) choice.value = policy
}

/** Calls `onChange` when the customer moves the switch. */
export function watchPolicy(onChange: (policy: Policy) => void): void {
	form.addEventListener('change', () => {
		const value = new FormData(form).get('policy')
		if (isPolicy(value)) onChange(value)
	})
}
