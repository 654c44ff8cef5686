import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ConfigError, configExitCode, readConfig } from '@fairlead/daemon/config'
import { Stopped, stopOnSignals } from '@fairlead/daemon/lifecycle'
import { StartError } from '@fairlead/servers/start-error'
import { standaloneConfig } from './config.ts'
import { giveBackMemory } from './give-back.ts'
import { openHome } from './home.ts'
import { openLogs } from './log.ts'
import { readSample } from './sample.ts'
import { startStandalone } from './standalone.ts'
import { shortPath, welcomeText } from './welcome.ts'

/** How long an orderly stop may take, in ms: PostgreSQL's checkpoint is the slowest part. */
const stopDeadlineMs = 30_000

async function main(): Promise<void> {
  // Other users of this machine read nothing that Fairlead and its servers write.
  process.umask(0o077)
  const config = readConfig(standaloneConfig)
  await using _home = await openHome(config.FAIRLEAD_HOME)
  const logs = openLogs(config.FAIRLEAD_HOME, config.FAIRLEAD_LOG_LEVEL)
  const log = logs.logOf('standalone')
  using _flushing = { [Symbol.dispose]: () => log.flush() }
  using signal = stopOnSignals({ log, deadlineMs: stopDeadlineMs })
  const stopped = once(signal, 'abort')
  // start.mjs, which passes signals on, was killed.
  process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'))
  const failing = Promise.withResolvers<never>()
  failing.promise.catch(() => {})

  const progress = (line: string) => console.log(line)
  await using standalone = await startStandalone({ config, logs, progress, signal, failed: failing.reject })
  await giveBackMemory()
  // Where `fairlead seed` finds the store, whose port is another one at each start.
  await writeFile(join(config.FAIRLEAD_HOME, 'store-url'), `${standalone.storeUrl}\n`)
  const checkout = join(import.meta.dirname, '..')
  const sample = await readSample(config.FAIRLEAD_ORGANIZATIONS, standalone.receiverUrl)
  console.log(
    welcomeText({
      ...standalone,
      ...sample,
      home: shortPath(config.FAIRLEAD_HOME, checkout),
      organizations: shortPath(config.FAIRLEAD_ORGANIZATIONS, checkout),
    }),
  )
  logs.showChanges()
  await Promise.race([stopped, failing.promise])
  console.log('Fairlead is stopping')
}

/** A failure as one line where a person can do something about it, with its stack where it is a bug. */
function explain(error: unknown): { readonly text: unknown; readonly exitCode: number } {
  if (error instanceof ConfigError) return { text: error.message, exitCode: configExitCode }
  if (error instanceof StartError) return { text: error.message, exitCode: 1 }
  const { code, path } = error as NodeJS.ErrnoException
  if (code === 'ENOSPC')
    return { text: `no space left on the disk (${path}): make room and start again`, exitCode: 1 }
  return { text: error, exitCode: 1 }
}

/** Of this process and of its children, for the compile cache: fill-cache.mjs. */
async function loadModules(): Promise<void> {
  await Promise.all([
    import('./part-child.ts'),
    import('./backlog.ts'),
    import('@fairlead/receiver/run'),
    import('@fairlead/worker/run'),
  ])
}

try {
  if (process.argv.includes('--load-only')) await loadModules()
  else await main()
  process.exit(0)
} catch (error) {
  // A start that was stopped halfway has nothing to complain about.
  if (error instanceof Stopped) process.exit(0)
  const { text, exitCode } = explain(error)
  console.error(text)
  process.exit(exitCode)
}
