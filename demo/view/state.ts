// The line that says whether the model is on this device, and what that means for the next question.

import type { Policy, Progress } from '../../runtime/index.ts'
import type { State } from '../assistant/assistant.ts'
import { loadTroubleWords } from '../assistant/words.ts'
import { find } from './element.ts'
import { megabytes, seconds } from './numbers.ts'

const box = find('state', HTMLElement)
const text = find('state-text', HTMLElement)
const bytes = find('state-bytes', HTMLElement)
const bar = find('progress', HTMLProgressElement)
const retry = find('retry', HTMLButtonElement)
const rest = find('state-rest', HTMLElement)

/** Shows the model's state. The text changes only with the phase, so that screen readers are not told every byte. */
export function showState(state: State, policy: Policy): void {
	box.dataset.phase = state.phase
	const [first, second] = stateWords(state, policy)
	if (text.textContent !== first) text.textContent = first
	if (rest.textContent !== second) rest.textContent = second
	retry.hidden = state.phase !== 'failed' && state.phase !== 'held'
	retry.textContent = state.phase === 'held' ? 'Load it: 24 MB' : 'Try again'
	bar.hidden = state.phase !== 'loading' && state.phase !== 'topics'
	const progress = state.phase === 'loading' ? state.progress : null
	bytes.textContent = progressWords(progress)
	if (progress && progress.total > 0) bar.value = progress.loaded / progress.total
	else bar.removeAttribute('value')
}

function progressWords(progress: Progress | null): string {
	if (!progress || progress.total === 0) return ''
	if (progress.phase !== 'files') return `${megabytes(progress.total)} MB are here. The model is tested on this device …`
	const stored = progress.stored > 0 ? `, ${megabytes(progress.stored)} of them kept from before` : ''
	// Seconds jump about when there are few left.
	const left = progress.left !== null && progress.left >= 2_000 ? `, about ${seconds(progress.left)} left` : ''
	return `${megabytes(progress.loaded)} of ${megabytes(progress.total)} MB${stored}${left}`
}

/** What holds now, and what that means for a question. */
function stateWords(state: State, policy: Policy): readonly [string, string] {
	const edgeHelps = policy === 'prefer-device'
	switch (state.phase) {
		case 'held':
			return [
				'The model is not on this device.',
				`Your browser is asked to save data, so it is not loaded unasked.${edgeHelps ? ' Our edge answers: your question is sent to it.' : ''}`,
			]
		case 'loading':
			return [
				'The model is loading.',
				edgeHelps
					? 'Until it is on this device, our edge answers: your question is sent to it.'
					: 'Your question waits for it and stays on this device.',
			]
		case 'topics':
			return ['The model is here.', 'It reads the help topics, which it has to do once.']
		case 'ready':
			return ['Ready.', `Your question stays on this device${edgeHelps ? ', unless it is too busy to answer in time' : ''}.`]
		case 'edge':
			return ['Our edge answers.', 'Your question is sent to it; no model is loaded.']
		case 'failed':
			return [
				loadTroubleWords(state.error),
				edgeHelps ? 'Our edge answers instead: your question is sent to it.' : 'Until it can, nothing answers here.',
			]
	}
}
