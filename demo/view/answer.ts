// The answer to a question, or word that there is none.

import type { Policy } from '../../runtime/index.ts'
import type { Reply } from '../assistant/assistant.ts'
import { onDevice, type Trouble, whereWords } from '../assistant/words.ts'
import type { Match } from '../faq/match.ts'
import { find, make } from './element.ts'
import { score, time } from './numbers.ts'
import { routePanel } from './route.ts'

const place = find('answer', HTMLElement)
const route = find('route', HTMLElement)
const announcement = find('announce', HTMLElement)

/** Shows a reply in place of what was there, and tells it to screen readers. */
export function showReply(reply: Reply, policy: Policy): void {
	const [best, ...others] = reply.matches
	if (!best) return
	const card = reply.fits ? answerCard(reply, best, others) : nothingFits(reply)
	show(card)
	route.replaceChildren(routePanel(reply, policy))
	const said = reply.fits
		? `${best.entry.question} ${best.entry.answer}`
		: 'Nothing here fits your question. The nearest topics are listed.'
	announcement.textContent = `${said} ${whereWords(reply.ran)} answered in ${time(reply.total)}.`
}

/** Shows that an answer is under way; what was there stays, dimmed. */
export function showWaiting(): void {
	document.body.dataset.asked = ''
	place.setAttribute('aria-busy', 'true')
	announcement.textContent = ''
}

/** @param actions buttons that get the customer on. */
export function showTrouble(question: string, { title, hint }: Trouble, actions: readonly HTMLButtonElement[]): void {
	route.replaceChildren()
	show(
		make(
			'article',
			{ class: 'card trouble' },
			asked(question),
			make('h2', {}, title),
			make('p', { class: 'text' }, hint),
			make('div', { class: 'actions' }, ...actions),
		),
	)
	announcement.textContent = `${title}. ${hint}`
}

function show(card: HTMLElement): void {
	place.removeAttribute('aria-busy')
	place.replaceChildren(card)
	// What fits the window is brought into it whole, what does not with its beginning.
	place.scrollIntoView({ block: 'nearest' })
}

const asked = (question: string): HTMLElement => make('p', { class: 'asked' }, 'You asked: ', make('q', {}, question))

function answerCard(reply: Reply, best: Match, others: readonly Match[]): HTMLElement {
	return make(
		'article',
		{ class: 'card' },
		asked(reply.question),
		make('h2', {}, best.entry.question),
		make('p', { class: 'text' }, best.entry.answer),
		make('p', { class: 'fit' }, scoreBar(best.score), `Match ${score(best.score)}`, made(reply)),
		make('h3', {}, 'Not quite? These come next'),
		alternatives(others),
	)
}

function nothingFits(reply: Reply): HTMLElement {
	return make(
		'article',
		{ class: 'card none' },
		asked(reply.question),
		make('h2', {}, 'Nothing here fits that'),
		make(
			'p',
			{ class: 'text' },
			'None of our answers is near enough in meaning. Try other words, or ',
			make('a', { href: '#contact' }, 'ask a person'),
			'.',
		),
		make('p', { class: 'fit' }, made(reply)),
		make('h3', {}, 'The nearest we have'),
		alternatives(reply.matches),
	)
}

/** Where and how fast, in short: on a phone the panel that says it all is further down. */
const made = ({ ran, total }: Reply): HTMLElement =>
	make('span', { class: onDevice(ran) ? 'made' : 'made edge' }, `${whereWords(ran)}, ${time(total)}`)

function alternatives(matches: readonly Match[]): HTMLElement {
	const list = make('div', { class: 'alternatives' })
	for (const { entry, score: value } of matches) {
		const fit = make('span', { class: 'fit' }, scoreBar(value), make('span', { class: 'unseen' }, 'match '), score(value))
		list.append(
			make(
				'details',
				{},
				make('summary', {}, make('span', { class: 'other' }, entry.question), fit),
				make('p', { class: 'text' }, entry.answer),
			),
		)
	}
	return list
}

function scoreBar(value: number): HTMLElement {
	const bar = make('span', { class: 'score', 'aria-hidden': 'true' })
	bar.style.setProperty('--score', String(Math.max(0, Math.min(1, value))))
	return bar
}
