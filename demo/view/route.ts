// For one answer: where it was made, why there, and how long it took.

import type { Policy, Provenance } from '../../runtime/index.ts'
import type { Reply } from '../assistant/assistant.ts'
import { onDevice, whereWords, whyWords } from '../assistant/words.ts'
import { courseDrawing } from './course.ts'
import { make } from './element.ts'
import { time } from './numbers.ts'

/** The panel under an answer. */
export function routePanel(reply: Reply, policy: Policy): HTMLElement {
	const { ran, total } = reply
	return make(
		'section',
		{ class: 'route', 'aria-labelledby': 'route-title', 'data-ran': onDevice(ran) ? 'device' : 'edge' },
		make('h2', { id: 'route-title' }, 'Where this came from'),
		make('p', { class: 'route-line' }, make('strong', {}, `${whereWords(ran)} answered in ${time(total)}.`), ` ${whyWords(ran, policy)}.`),
		courseDrawing(onDevice(ran)),
		times(reply),
		details(reply),
	)
}

function times({ ran, total, prepared }: Reply): HTMLElement {
	const known = (ran.queue ?? 0) + (ran.run ?? 0)
	const parts = [
		{ name: 'Waiting', className: 'queue', value: ran.queue },
		{ name: 'Computing', className: 'run', value: ran.run },
		{ name: onDevice(ran) ? 'Reading and handing over' : 'On the way', className: 'way', value: Math.max(0, total - known) },
	]
	const bar = make('div', { class: 'times-bar', 'aria-hidden': 'true' })
	const list = make('dl', { class: 'times' })
	for (const { name, className, value } of parts) {
		const part = make('span', { class: className })
		part.style.flexGrow = String(value ?? 0)
		bar.append(part)
		list.append(make('div', { class: className }, make('dt', {}, name), make('dd', {}, value === null ? 'not told' : time(value))))
	}
	if (prepared >= 100) list.append(make('div', {}, make('dt', {}, 'Reading the help topics, once'), make('dd', {}, time(prepared))))
	return make('div', {}, bar, list)
}

function details({ ran, matches }: Reply): HTMLElement {
	const rows: [string, string | null][] = [
		['Executor', ran.executor],
		['Execution provider', ran.provider],
		['Model', [ran.model, ran.version, ran.variant].filter((part) => part !== null).join(' · ')],
		['Rows in its batch', ran.batch === null ? null : String(ran.batch)],
		['Network hops', String(ran.hops)],
		['Passed by', passedBy(ran)],
		['Cosines', matches.map((match) => match.score.toFixed(4)).join(', ')],
		['Vector space', ran.space],
	]
	const list = make('dl', { class: 'facts' })
	for (const [name, value] of rows) list.append(make('div', {}, make('dt', {}, name), make('dd', {}, value ?? 'not told')))
	return make('details', { class: 'technical' }, make('summary', {}, 'Technical details'), list)
}

const passedBy = ({ overflow }: Provenance): string =>
	overflow.length === 0
		? 'none'
		: overflow.map(({ executor, reason, detail }) => `${executor} (${reason}${detail === undefined ? '' : `: ${detail}`})`).join(', ')
