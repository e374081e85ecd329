// The package has types, but does not say where.
declare module '@web/rollup-plugin-import-meta-assets' {
	import type { Plugin } from 'rollup'
	export function importMetaAssets(): Plugin
}
