#!/usr/bin/env node
import { enableCompileCache } from 'node:module'
import { homedir } from 'node:os'
import { join } from 'node:path'

// As `cli/main.ts` does.
enableCompileCache(join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'fairlead', 'cli'))
const { endWithReader } = await import('../run-command.ts')
const { runPlugin } = await import('./plugin.ts')
endWithReader()
process.exitCode = await runPlugin(process.argv.slice(2), process.env)
