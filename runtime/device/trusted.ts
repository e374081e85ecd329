// Trusted Types: where a page's policy demands that somebody vouches for the addresses of scripts, Spillway does so for those of its own files.

interface Policy {
	createScriptURL(address: string): string
}

interface Policies {
	createPolicy(name: string, rules: Policy): Policy
}

let policy: Policy | undefined

/**
 * The address, as the browser wants it. Each file of a page has a copy of this, and with it a policy named `spillway`: hence `'allow-duplicates'`.
 *
 * @see https://www.w3.org/TR/trusted-types/
 */
export function trusted(address: string): string {
	try {
		policy ??= (globalThis as { trustedTypes?: Policies }).trustedTypes?.createPolicy('spillway', { createScriptURL: (own) => own })
	} catch {
		// The page allows no such policy; it may have one for everything.
	}
	return policy ? policy.createScriptURL(address) : address
}
