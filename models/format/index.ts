// The model format: what a manifest, a channel and a chunk are, for those who read or write them. docs/models.md describes it.

export { assembleFile } from './assemble.ts'
export { canonicalBytes, canonicalJson } from './canonical.ts'
export {
	type Channel,
	type ChannelReader,
	channelSchema,
	type Published,
	published,
	readChannel,
	signChannel,
	verifyChannel,
} from './channel.ts'
export { cut, type Range, smallTensor } from './chunks.ts'
export { checkDigest, digestOf } from './digest.ts'
export { readSigningKey } from './key-text.ts'
export {
	checkTrustKey,
	generateSigningKey,
	isTrustKey,
	kidOf,
	type PublicKey,
	publicKey,
	type SigningKey,
	signingKey,
	trustKeysOf,
} from './keys.ts'
export { channelPath, chunkPath, manifestPath } from './layout.ts'
export {
	type Chunk,
	type Description,
	descriptionSchema,
	type Golden,
	type Graph,
	type Manifest,
	type ModelFile,
	manifestSchema,
	maxChunk,
	type Provider,
	type TensorData,
	type TensorSpec,
	type Tolerance,
	type Variant,
} from './manifest.ts'
export { parseDescription, parseManifest } from './parse.ts'
export { fromTensorData, toTensorData, within } from './tensor-data.ts'
