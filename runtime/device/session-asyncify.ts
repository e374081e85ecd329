// The session worker for GPUs where WebAssembly cannot wait for promises: the same providers, in a build that waits by itself (asyncify).

import * as ort from 'onnxruntime-web/webgpu'
import { serveSession } from './serve-session.ts'
import { watchGpu } from './watch-gpu.ts'

serveSession({ ort, build: 'onnxruntime-web/asyncify', watch: watchGpu(ort.env) })
