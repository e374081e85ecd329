// Questions to begin with: in a customer's words, not in those of the entries.

import { find, make } from './element.ts'

const questions = ['there is a nail in my tyre', 'I am 178 cm tall, which frame?', 'can my e-bike get wet?']

/** Lists the examples; a click asks one. */
export function showExamples(ask: (question: string) => void): void {
	const list = find('examples', HTMLUListElement)
	for (const question of questions) {
		const button = make('button', { type: 'button', class: 'example' }, question)
		button.addEventListener('click', () => ask(question))
		list.append(make('li', {}, button))
	}
}
