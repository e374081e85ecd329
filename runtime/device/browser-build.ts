// Which build of which browser this is: what computes rightly in one may not in another.

/** The user agent says less than it could (its minor versions are zeros): where the browser tells more, that counts. */
export async function browserBuild(): Promise<string> {
	const { userAgentData } = navigator as { userAgentData?: { getHighEntropyValues(hints: string[]): Promise<Record<string, unknown>> } }
	const exact = await userAgentData
		?.getHighEntropyValues(['fullVersionList', 'architecture', 'bitness', 'platformVersion'])
		.catch(() => undefined)
	return exact ? JSON.stringify(exact) : navigator.userAgent
}
