#!/usr/bin/env node
import { endWithReader } from '../run-command.ts'
import { runPlugin } from './plugin.ts'

endWithReader()
process.exitCode = await runPlugin(process.argv.slice(2), process.env)
