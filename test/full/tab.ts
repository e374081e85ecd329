// What tests do with a page in any browser that is not driven by Playwright.

import type { PageToAsk } from '../browser/page-executor.ts'

export interface Tab {
	/** Opens an address, and waits until the page has loaded. */
	open(url: string): Promise<void>
	/**
	 * Runs a function body in the page.
	 * @param body may await; what it returns must be JSON.
	 * @throws Error with the page's words.
	 */
	evaluate<T>(body: string): Promise<T>
	close(): Promise<void>
}

/** A browser's first tab, which closes it all. */
export interface BrowserUnderTest extends Tab {
	/** Opens one more, in a window of its own, for what is not seen is throttled. */
	window(): Promise<Tab>
}

/** The tab for tests that hand over functions. */
export const toAsk = (tab: Tab): PageToAsk => ({
	evaluate: (run, argument) => tab.evaluate(`return (${run})(${JSON.stringify(argument)})`),
})
