// The page: one question field, one assistant, and what they tell one another.

import { type Assistant, openAssistant } from './assistant/assistant.ts'
import { recall, remember } from './assistant/memory.ts'
import { troubleWords } from './assistant/words.ts'
import { watchInstall } from './offline/install.ts'
import { register } from './offline/register.ts'
import { showReply, showTrouble, showWaiting } from './view/answer.ts'
import { find, make } from './view/element.ts'
import { showExamples } from './view/examples.ts'
import { showOffline } from './view/offline.ts'
import { choosePolicy, isPolicy, watchPolicy } from './view/policy.ts'
import { showState } from './view/state.ts'

const form = find('ask', HTMLFormElement)
const field = find('question', HTMLInputElement)

const remembered = recall('policy')
let policy = isPolicy(remembered) ? remembered : 'prefer-device'
const offline = register()
let assistant: Promise<Assistant> = open()
let asking = new AbortController()

/** Opens an assistant under the current policy; the model loads meanwhile. */
function open(): Promise<Assistant> {
	const chosen = policy
	return openAssistant(chosen, async (state) => {
		// Under device-only, ready means that nothing is fetched any more: neither by the service worker.
		if (chosen === 'device-only' && state.phase === 'ready') await offline
		if (chosen !== policy) return
		showState(state, policy)
		showOffline(state.phase === 'ready' && (await offline))
	})
}

async function ask(question: string): Promise<void> {
	asking.abort()
	asking = new AbortController()
	const { signal } = asking
	showWaiting()
	try {
		const reply = await (await assistant).ask(question, signal)
		if (!signal.aborted) showReply(reply, policy)
	} catch (error) {
		if (signal.aborted) return
		const other = policy === 'edge-only' ? 'device-only' : 'prefer-device'
		showTrouble(question, troubleWords(error, policy), [
			button('Ask again', () => ask(question)),
			...(policy === 'prefer-device'
				? []
				: [button(other === 'device-only' ? 'Use this device' : 'Let our edge help', () => change(other, question))]),
		])
	}
}

function button(label: string, act: () => void): HTMLButtonElement {
	const made = make('button', { type: 'button', class: 'quiet' }, label)
	made.addEventListener('click', act)
	return made
}

/** A runtime keeps its policy for life, so another policy is another assistant; the model comes from storage then. */
async function change(next: typeof policy, thenAsk?: string): Promise<void> {
	const old = assistant
	policy = next
	remember('policy', next)
	choosePolicy(next)
	assistant = old.then((opened) => opened.close()).then(open)
	if (thenAsk !== undefined) await ask(thenAsk)
}

form.addEventListener('submit', (event) => {
	event.preventDefault()
	const question = field.value.trim()
	// A keyboard on the screen would cover the answer.
	if (matchMedia('(pointer: coarse)').matches) field.blur()
	if (question !== '') void ask(question)
})
find('retry', HTMLButtonElement).addEventListener('click', async () => (await assistant).retry())
choosePolicy(policy)
watchPolicy((next) => void change(next))
showExamples((question) => {
	field.value = question
	void ask(question)
})
watchInstall()
