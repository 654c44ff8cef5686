#!/usr/bin/env node
import { endWithReader, runCommand } from './run-command.ts'

endWithReader()
process.exitCode = await runCommand(process.argv.slice(2))
