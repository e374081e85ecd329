// What kind of device this is: a few classes that thousands of people share.

import type { DeviceClass } from './wire.ts'

/** The part of `navigator` that is looked at. */
export interface Navigator {
	readonly hardwareConcurrency?: number
	readonly deviceMemory?: number
	readonly gpu?: unknown
	readonly userAgent?: string
	readonly userAgentData?: { readonly brands: readonly { readonly brand: string; readonly version: string }[] }
}

/**
 * @param navigator the page's.
 * @param isolated whether the page is cross-origin isolated.
 */
export function deviceClass(navigator: Navigator, isolated: boolean): { device: DeviceClass; build: string } {
	const { name, version } = browserOf(navigator)
	return {
		build: version ? `${name} ${version}` : name,
		device: {
			browser: families[name] ?? 'other',
			cores: coresOf(navigator.hardwareConcurrency),
			memory: memoryOf(navigator.deviceMemory),
			isolated,
			gpu: navigator.gpu !== undefined,
		},
	}
}

const families: Record<string, DeviceClass['browser']> = { Chromium: 'chromium', Firefox: 'firefox', Safari: 'safari' }

function browserOf({ userAgent = '', userAgentData }: Navigator): { name: string; version: string } {
	const chromium =
		userAgentData?.brands.find(({ brand }) => brand === 'Chromium')?.version ?? /\bChrom(?:e|ium)\/(\d+)/.exec(userAgent)?.[1]
	if (chromium) return { name: 'Chromium', version: chromium.slice(0, 6) }
	const firefox = /\bFirefox\/(\d{1,6})/.exec(userAgent)?.[1]
	if (firefox) return { name: 'Firefox', version: firefox }
	const safari = /\bVersion\/(\d{1,6})[\d.]* .*\bSafari\//.exec(userAgent)?.[1]
	return safari ? { name: 'Safari', version: safari } : { name: 'other', version: '' }
}

function coresOf(cores = 0): DeviceClass['cores'] {
	if (cores < 1) return 'unknown'
	if (cores <= 2) return '1-2'
	if (cores <= 4) return '3-4'
	return cores <= 8 ? '5-8' : '9+'
}

function memoryOf(gigabytes = 0): DeviceClass['memory'] {
	if (gigabytes <= 0) return 'unknown'
	if (gigabytes < 4) return '<4'
	return gigabytes < 8 ? '4-7' : '8+'
}
