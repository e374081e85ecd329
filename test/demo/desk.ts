// What a customer does at the help desk's page, and what the page then says.

import type { BrowserContext, Page } from 'playwright-core'

export interface Said {
	/** Heading of the answer. */
	heading: string
	/** All of the answer's card. */
	answer: string
	/** Where, why and how fast; empty when nobody answered. */
	route: string
}

/** Milliseconds for loading the model on a busy machine. */
const patience = 50_000

/**
 * Opens the page in a profile that may have seen it before.
 *
 * @param policy the customer's earlier choice.
 */
export async function openDesk(context: BrowserContext, origin: string, policy?: string): Promise<Page> {
	const page = await context.newPage()
	page.setDefaultTimeout(patience)
	if (policy !== undefined) await page.addInitScript((policy) => localStorage.setItem('policy', policy), policy)
	await page.goto(origin)
	return page
}

export const ready = (page: Page) => page.waitForSelector('#state[data-phase=ready]')

export async function ask(page: Page, question: string): Promise<Said> {
	await page.fill('#question', question)
	await page.press('#question', 'Enter')
	return said(page, question)
}

/** Waits for the answer to a question. */
export async function said(page: Page, question: string): Promise<Said> {
	await page.waitForFunction(
		(question) =>
			document.querySelector('.asked q')?.textContent === question && !document.querySelector('#answer')?.hasAttribute('aria-busy'),
		question,
	)
	return page.evaluate(() => {
		const text = (selector: string) => (document.querySelector(selector) as HTMLElement | null)?.innerText ?? ''
		return { heading: text('#answer h2'), answer: text('#answer'), route: text('#route') }
	})
}

/** What the line under the question says. */
export const state = (page: Page): Promise<string> => page.innerText('#state')

export const choose = (page: Page, policy: string) => page.check(`input[value=${policy}]`)
