import { runMain } from '@fairlead/daemon/run'
import { apiConfig } from './config.ts'
import { run } from './run.ts'

await runMain('api', apiConfig, run)
