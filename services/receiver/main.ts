import { runMain } from '@fairlead/daemon/run'
import { receiverConfig } from './config.ts'
import { run } from './run.ts'

await runMain('receiver', receiverConfig, run)
