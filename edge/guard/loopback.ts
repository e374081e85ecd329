// Whether a request was meant for this machine only.

/** Loopback names and addresses, as a URL's `hostname` spells them. */
export const isLoopbackHost = (hostname: string): boolean =>
	hostname === 'localhost' || hostname.endsWith('.localhost') || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname)

/** Loopback addresses, as a socket spells them. */
export const isLoopbackAddress = (address: string): boolean => /^(::1|(::ffff:)?127(\.\d{1,3}){3})$/.test(address)

const forwarded = ['forwarded', 'x-forwarded-for', 'x-real-ip']

/** Whether the client is on this machine, and no proxy stands between. */
export function isLocal(request: Request, peer: string | undefined): boolean {
	if (!peer || !isLoopbackAddress(peer)) return false
	return isLoopbackHost(new URL(request.url).hostname) && !forwarded.some((name) => request.headers.has(name))
}
