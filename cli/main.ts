#!/usr/bin/env node
import { enableCompileCache } from 'node:module'
import { homedir } from 'node:os'
import { join } from 'node:path'

// Half of a command's time would go to reading its modules. The folder is the user's own: what is in it is run.
enableCompileCache(join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'fairlead', 'cli'))
const { endWithReader, runCommand } = await import('./run-command.ts')

endWithReader()
process.exitCode = await runCommand(process.argv.slice(2))
