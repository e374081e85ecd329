// The routing of a model over the versions that its channel names: who stands where.

import { type Channel, type Published, published } from '../../models/format/channel.ts'
import { current, isLabel, type Routing, type ShadowRouting } from './routing.ts'
import type { Serving } from './serving.ts'

/** A place in a model's routing: the version that is wanted there, and the one that answers. */
export interface Slot {
	/** Null when the channel names none that will do. */
	readonly wanted: Published | null
	/** Answers until the wanted one can; undefined when nobody has been asked yet. */
	now: Serving | undefined
}

/** A place that has a share of the calls. */
export interface Arm {
	/** What the routing calls it. */
	readonly id: string
	readonly weight: number
	readonly slot: Slot
}

export interface Plan {
	readonly channel: Channel
	readonly routing: Routing
	/** At least one, the heaviest first. */
	readonly arms: readonly [Arm, ...Arm[]]
	readonly labels: ReadonlyMap<string, Slot>
	readonly shadow: (ShadowRouting & { readonly slot: Slot }) | null
	/** What the routing names and the channel lacks. */
	readonly missing: readonly string[]
}

/**
 * Plans anew. What answered in a place goes on there until the version that is wanted now can answer; a new share of the calls is answered by
 * who answered most of them before.
 *
 * @param before the plan so far, if there is one.
 */
export function planOf(channel: Channel, routing: Routing, before: Plan | undefined): Plan {
	const slotOf = (text: string, now: Serving | undefined): Slot => ({ wanted: resolve(channel, routing, text), now })
	const split = (routing.split ?? [{ version: current, weight: 1 }]).filter(({ weight }) => weight > 0)
	const main = before?.arms[0].slot.now
	const arms = split
		.map(({ version: id, weight }) => ({ id, weight, slot: slotOf(id, armOf(before, id)?.slot.now ?? main) }))
		.filter(({ slot }) => slot.wanted || slot.now)
		.sort((a, b) => b.weight - a.weight)
	const labels = Object.keys(routing.labels).map((label) => [label, slotOf(label, before?.labels.get(label)?.now)] as const)
	const { shadow } = routing
	const texts = [...split.map(({ version }) => version), ...Object.keys(routing.labels), ...(shadow ? [shadow.version] : [])]
	return {
		channel,
		routing,
		// The current version is always there.
		arms: (arms.length > 0 ? arms : [{ id: current, weight: 1, slot: slotOf(current, main) }]) as [Arm, ...Arm[]],
		labels: new Map(labels),
		shadow: shadow ? { ...shadow, slot: slotOf(shadow.version, undefined) } : null,
		missing: texts.filter((text) => !resolve(channel, routing, text)),
	}
}

const armOf = (plan: Plan | undefined, id: string): Arm | undefined => plan?.arms.find((arm) => arm.id === id)

/** All places of a plan. */
export const slotsOf = ({ arms, labels, shadow }: Plan): Slot[] => [
	...arms.map(({ slot }) => slot),
	...labels.values(),
	...(shadow ? [shadow.slot] : []),
]

/** The version that a text of the routing means now; null when the channel names none that will do. */
export function resolve(channel: Channel, { labels }: Pick<Routing, 'labels'>, text: string): Published | null {
	const meant = isLabel(text) ? (Object.hasOwn(labels, text) ? labels[text] : undefined) : text
	if (meant === undefined) return null
	if (meant === current) return published(channel) ?? null
	// Exactly these bytes, whether they are still published or not.
	if (/^[0-9a-f]{64}$/.test(meant)) return namedBy(channel).find(({ manifest }) => manifest === meant) ?? { version: '', manifest: meant }
	return published(channel, meant) ?? null
}

/** All versions that a channel names, the current one first. */
export const namedBy = ({ version, manifest, versions = [] }: Channel): Published[] => [{ version, manifest }, ...versions]

/** What a version has to do in a plan. */
export function rolesOf({ channel, arms, labels, shadow }: Plan, { digest }: Serving): string[] {
	const sum = arms.reduce((all, { weight }) => all + weight, 0)
	const stands = ({ wanted, now }: Slot) => (now ? now.digest === digest : wanted?.manifest === digest)
	return [
		...(channel.manifest === digest ? ['current'] : []),
		...arms.filter(({ slot }) => stands(slot)).map(({ weight }) => `weight ${weight} of ${sum}`),
		...[...labels].filter(([, slot]) => stands(slot)).map(([label]) => `label ${label}`),
		...(shadow && stands(shadow.slot) ? ['shadow'] : []),
	]
}
