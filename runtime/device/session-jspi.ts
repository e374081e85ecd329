// The session worker for GPUs: ONNX Runtime's native WebGPU provider, and WebNN. Its WebAssembly waits for promises (JSPI).

import * as ort from 'onnxruntime-web/jspi'
import { serveSession } from './serve-session.ts'
import { watchGpu } from './watch-gpu.ts'

serveSession({ ort, build: 'onnxruntime-web/jspi', watch: watchGpu(ort.env) })
