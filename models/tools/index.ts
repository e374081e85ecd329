// What programs use of the model tools: packing a model's folder, and verifying what was packed. docs/models.md describes both.

export { type Packed, type PackOptions, pack } from './pack/pack.ts'
export { type VerifyOptions, verify } from './pack/verify.ts'
