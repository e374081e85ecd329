// SmoothQuant (Xiao et al., arXiv 2211.10438): outliers of activations are moved into the weights, where they cost less.

import { type Matrix, rowMaxima } from './matrix.ts'

/**
 * The factor of each input channel of a product: activations are divided by it, the rows of the weights multiplied.
 *
 * Each is the power of two nearest to max|x|^a / max|w|^(1-a). Powers of two are exact in floats, and fp32 kernels of another
 * machine, which differ in the last bits of max|x|, give the same factors, hence the same weights.
 *
 * @param activations largest magnitude of each channel over the calibration texts
 * @param weights [channels, outputs]
 * @param alpha how much of the range moves from the activations to the weights, 0 to 1
 */
export function smoothingFactors(activations: Float32Array, weights: Matrix, alpha: number): Float32Array {
	const magnitudes = rowMaxima(weights)
	return activations.map((max, channel) => {
		const factor = safe(max) ** alpha / safe(magnitudes[channel] as number) ** (1 - alpha)
		return 2 ** (Math.round(Math.log2(factor) * 2) / 2)
	})
}

/** Channels that are never active still need a factor. */
function safe(max: number): number {
	return Math.max(max, 1e-5)
}
