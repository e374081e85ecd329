// Building and finding elements of the page.

/** The element with this id, as `type`. */
export function find<T extends HTMLElement>(id: string, type: new () => T): T {
	const element = document.getElementById(id)
	if (!(element instanceof type)) throw new Error(`the page has no ${type.name} with id ${id}`)
	return element
}

type Child = Node | string

/**
 * Makes an element. Texts become text nodes, so nothing in them is read as HTML.
 *
 * @param attributes set as given.
 */
export function make<K extends keyof HTMLElementTagNameMap>(
	tag: K,
	attributes: Record<string, string> = {},
	...children: Child[]
): HTMLElementTagNameMap[K] {
	const element = document.createElement(tag)
	for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value)
	element.append(...children)
	return element
}
