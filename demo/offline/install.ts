// The button that installs the page as an app, where the browser offers that.

import { find } from '../view/element.ts'

/** https://wicg.github.io/manifest-incubations/#beforeinstallpromptevent-interface; Chromium only. */
interface InstallPrompt extends Event {
	prompt(): Promise<unknown>
}

/** @param onInstalled told when the customer has installed it. */
export function watchInstall(onInstalled: () => void): void {
	const button = find('install', HTMLButtonElement)
	let offer: InstallPrompt | undefined
	addEventListener('beforeinstallprompt', (event) => {
		event.preventDefault()
		offer = event as InstallPrompt
		button.hidden = false
	})
	addEventListener('appinstalled', () => {
		button.hidden = true
		onInstalled()
	})
	button.addEventListener('click', async () => {
		await offer?.prompt()
		// A prompt can be shown once; the browser offers another when it sees fit.
		button.hidden = true
	})
}
