import { runMain } from '@fairlead/daemon/run'
import { proberConfig } from './config.ts'
import { run } from './run.ts'

await runMain('prober', proberConfig, run)
