import { runMain } from '@fairlead/daemon/run'
import { storeConfig } from './config.ts'
import { run } from './run.ts'

await runMain('store', storeConfig, run)
