// What each page under measurement offers to the driver.

export interface Contender {
	/** Loads everything and embeds one text. Resolves when the vector is in the page. */
	first(text: string): Promise<Float32Array>
	/** One call for each text, all at once. */
	each(texts: string[]): Promise<Float32Array[]>
	/** One call with all texts. */
	all(texts: string[]): Promise<Float32Array[]>
	/** Gives back what can be given back. */
	dispose(): Promise<void>
}

declare global {
	interface Window {
		contender: Contender
	}
}
