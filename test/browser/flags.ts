// How a Chromium is started that is asked to do nothing but run the page.

/** For `chromium.launch({ args })`: no sandbox (tests may run as root), and none of the browser's own traffic. */
export const flags = [
	'--no-sandbox',
	'--disable-quic',
	'--no-first-run',
	'--disable-background-networking',
	'--disable-component-update',
	'--disable-sync',
]
