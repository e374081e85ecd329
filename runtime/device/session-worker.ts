// The session worker for WebAssembly.

import * as ort from 'onnxruntime-web/wasm'
import { serveSession } from './serve-session.ts'

serveSession({ ort, build: 'onnxruntime-web' })
