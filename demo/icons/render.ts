// Renders the app's icons from public/icons/icon.svg: node demo/icons/render.ts <path of a Chromium>. Their PNGs are committed.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { chromium } from 'playwright-core'

const folder = join(import.meta.dirname, '../public/icons')
const drawing = readFileSync(join(folder, 'icon.svg'), 'utf8')

/** Systems cut a maskable icon to shapes of their own: its background goes to the edges, its drawing keeps to the safe zone, a circle of 80 %. */
const maskable = drawing
	.replace(' rx="112"', '')
	.replace(/<g [\s\S]*(?=<\/svg>)/, '<g transform="translate(256 256) scale(.86) translate(-256 -258)">$&</g>')

const images = [
	{ name: 'icon-192', size: 192, svg: drawing },
	{ name: 'icon-512', size: 512, svg: drawing },
	{ name: 'maskable-192', size: 192, svg: maskable },
	{ name: 'maskable-512', size: 512, svg: maskable },
	{ name: 'touch-180', size: 180, svg: maskable },
]

const [, , executablePath = 'chromium'] = process.argv
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] })
for (const { name, size, svg } of images) {
	const page = await browser.newPage({ viewport: { width: size, height: size } })
	await page.setContent(`<style>body{margin:0}svg{display:block;width:${size}px}</style>${svg}`)
	await page.screenshot({ path: join(folder, `${name}.png`), omitBackground: true })
	await page.close()
}
await browser.close()
