// Something new that the customer may take now, or later.

import { find } from './element.ts'

/**
 * Shows an offer of the page. Nothing happens before the customer says so.
 *
 * @param id of its box; those of its buttons are the same with `-now` and `-later`.
 * @param take does what is offered.
 */
export function offer(id: string, take: () => void): void {
	const box = find(id, HTMLElement)
	find(`${id}-now`, HTMLButtonElement).onclick = take
	find(`${id}-later`, HTMLButtonElement).onclick = () => withdraw(id)
	box.hidden = false
}

/** Hides it again. */
export function withdraw(id: string): void {
	find(id, HTMLElement).hidden = true
}
