// Small things that the page remembers between visits; where the browser refuses storage, it remembers nothing.

/** What was kept under `name`, if anything. */
export function recall(name: string): string | undefined {
	try {
		return localStorage.getItem(name) ?? undefined
	} catch {
		return undefined
	}
}

export function remember(name: string, value: string): void {
	try {
		localStorage.setItem(name, value)
	} catch {
		// Storage is blocked or full: the next visit starts afresh.
	}
}
