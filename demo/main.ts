// The page: one question field, one assistant, and what they tell one another.

import type { Policy } from '../runtime/index.ts'
import { type Assistant, openAssistant, type State } from './assistant/assistant.ts'
import { recall, remember } from './assistant/memory.ts'
import { troubleWords } from './assistant/words.ts'
import { watchInstall } from './offline/install.ts'
import { register } from './offline/register.ts'
import { showReply, showTrouble, showWaiting } from './view/answer.ts'
import { find, make } from './view/element.ts'
import { showExamples } from './view/examples.ts'
import { offer, withdraw } from './view/offer.ts'
import { showOffline } from './view/offline.ts'
import { choosePolicy, isPolicy, watchPolicy } from './view/policy.ts'
import { showState } from './view/state.ts'

const form = find('ask', HTMLFormElement)
const field = find('question', HTMLInputElement)

const remembered = recall('policy')
/** The customer's choice. */
let policy = isPolicy(remembered) ? remembered : 'prefer-device'
/** How the model is, and the policy that its runtime has. */
let situation: [State, Policy] = [{ phase: 'loading', progress: null }, policy]
/** Whether the page works without a network; unknown until the service worker is settled. */
let kept: boolean | undefined
let keeping = false
let assistant: Promise<Assistant> = open()
let asking = new AbortController()
/** The question under way. */
let pending: string | undefined

/** Opens an assistant under the customer's policy; the model loads meanwhile. */
function open(): Promise<Assistant> {
	const chosen = policy
	withdraw('newer')
	return openAssistant(
		chosen,
		(...told) => {
			if (chosen !== policy) return
			situation = told
			// Where data is to be saved, the page is kept when the model is.
			if (told[0].phase !== 'held') keepPage()
			show()
		},
		() => {
			if (chosen === policy) offer('newer', useNewer)
		},
	)
}

async function useNewer(): Promise<void> {
	withdraw('newer')
	;(await assistant).update()
}

/** Lets the service worker keep the page for visits without a network. */
function keepPage(): void {
	if (keeping) return
	keeping = true
	register().then((settled) => {
		kept = settled
		show()
	})
}

function show(): void {
	const [state, allowed] = situation
	const here = state.phase === 'ready'
	// Under device-only, ready means that nothing is fetched any more: not by the service worker either.
	if (allowed !== 'device-only' || !here || kept !== undefined) showState(state, allowed)
	showOffline(here && kept === true, allowed)
}

async function ask(question: string): Promise<void> {
	asking.abort()
	asking = new AbortController()
	pending = question
	const { signal } = asking
	showWaiting()
	try {
		const reply = await (await assistant).ask(question, signal)
		if (!signal.aborted) showReply(reply, policy)
	} catch (error) {
		if (!signal.aborted) showTrouble(question, troubleWords(error, policy), waysOut(question))
	}
	if (!signal.aborted) pending = undefined
}

/** What a customer can do whose question was not answered. */
function waysOut(question: string): HTMLButtonElement[] {
	const again = button('Ask again', () => ask(question))
	if (policy === 'edge-only') return [again, button('Use this device', () => change('device-only', question))]
	if (policy === 'device-only') return [again, button('Let our edge help', () => change('prefer-device', question))]
	return [again]
}

function button(label: string, act: () => void): HTMLButtonElement {
	const made = make('button', { type: 'button', class: 'quiet' }, label)
	made.addEventListener('click', act)
	return made
}

/**
 * A runtime keeps its policy for life, so another policy is another assistant; the model comes from storage then.
 *
 * @param question asked of the new assistant: by default the one that was under way.
 */
async function change(next: Policy, question = pending): Promise<void> {
	asking.abort()
	policy = next
	remember('policy', next)
	choosePolicy(next)
	const old = assistant
	assistant = old.then((opened) => opened.close()).then(open)
	if (question !== undefined) await ask(question)
}

form.addEventListener('submit', (event) => {
	event.preventDefault()
	const question = field.value.trim()
	// A keyboard on the screen would cover the answer.
	if (matchMedia('(pointer: coarse)').matches) field.blur()
	if (question !== '') void ask(question)
})
find('retry', HTMLButtonElement).addEventListener('click', async () => (await assistant).load())
choosePolicy(policy)
watchPolicy((next) => void change(next))
showExamples((question) => {
	field.value = question
	void ask(question)
})
watchInstall(async () => (await assistant).keep())
