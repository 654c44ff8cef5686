import { runMain } from '@fairlead/daemon/run'
import { workerConfig } from './config.ts'
import { run } from './run.ts'

await runMain('worker', workerConfig, run)
