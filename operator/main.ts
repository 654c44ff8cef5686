import { runMain } from '@fairlead/daemon/run'
import { operatorConfig } from './config.ts'
import { run } from './run.ts'

await runMain('operator', operatorConfig, run)
