// Files with one text on each line.

import { readFile } from 'node:fs/promises'

/** Sentences written for this repository, of many domains and lengths. */
export const calibrationTexts = new URL('calibration.txt', import.meta.url)

/** Others, for measuring: none is in the calibration texts. */
export const evaluationTexts = new URL('evaluation.txt', import.meta.url)

/** The lines of a file that are not empty. */
export async function readTexts(file: URL | string): Promise<string[]> {
	return (await readFile(file, 'utf8')).split('\n').filter((line) => line !== '')
}
