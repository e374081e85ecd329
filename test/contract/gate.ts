// A gate in front of something that is otherwise too fast to be caught in the act.

export interface Gate {
	/** Closes it; the returned function opens it again. */
	close(): () => void
	/** Resolves when it is open. */
	passed(): Promise<void>
}

export function makeGate(): Gate {
	let open = Promise.resolve()
	return {
		close() {
			let release = () => {}
			open = new Promise((resolve) => {
				release = resolve
			})
			return release
		},
		passed: () => open,
	}
}
