// Where calls may go, and who is asked first: what a policy forbids, and what it prefers.

export const policies = ['prefer-device', 'device-only', 'edge-only', 'prefer-edge', 'fastest'] as const

/** Where calls may go, and in which order: see `docs/runtime.md`. */
export type Policy = (typeof policies)[number]

/** What an executor is to a policy. */
export type Role = 'device' | 'edge'

/** Whether the policy lets calls go to one side only. */
const isOnly = (policy: Policy | undefined): boolean => !!policy?.endsWith('-only')

/** Whether an executor may be asked; one without a role always may. */
export const allows = (policy: Policy | undefined, role: Role | undefined): boolean => !role || !isOnly(policy) || policy === `${role}-only`

/**
 * Whether a call may ask for `call` where the runtime says `runtime`: only when nobody is allowed by it who was not allowed before.
 * `prefer-device`, `prefer-edge` and `fastest` allow the same executors, in another order: each may take another's place, and each `-only`
 * may take the place of any of the three; nothing but itself takes the place of a `-only`.
 */
export const tightens = (call: Policy, runtime: Policy): boolean => call === runtime || (policies.includes(call) && !isOnly(runtime))

/**
 * What the policy prefers among executors that are alike otherwise: the smaller, the sooner; equal ones stay in their order.
 *
 * @param finish milliseconds until the executor is expected to have answered.
 */
export const preference = (policy: Policy | undefined, role: Role | undefined, finish: number): number =>
	policy === 'fastest' ? finish : policy === 'prefer-edge' && role === 'device' ? 1 : 0
