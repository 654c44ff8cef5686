import { once } from 'node:events'
import { createServer } from 'node:net'
import { StartError } from '@fairlead/servers/start-error'
import type { StandaloneConfig } from './config.ts'

const keys = [
  'FAIRLEAD_RECEIVER_PORT',
  'FAIRLEAD_API_PORT',
  'FAIRLEAD_METRICS_PORT',
  'FAIRLEAD_ECHO_PORT',
  'FAIRLEAD_STORE_PORT',
] as const

/**
 * Looks whether the ports are free before anything is started, so that the answer comes at once and names the setting.
 * @throws StartError `port_taken`
 */
export async function refuseTakenPorts(config: StandaloneConfig): Promise<void> {
  for (const key of keys) {
    if (config[key] !== 0) await refuseTaken(config[key], config.FAIRLEAD_HOST, key)
  }
}

async function refuseTaken(port: number, host: string, key: string): Promise<void> {
  const probe = createServer()
  try {
    probe.listen(port, host)
    await once(probe, 'listening')
    probe.close()
    await once(probe, 'close')
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (code === 'EADDRINUSE') {
      throw new StartError(
        'port_taken',
        `port ${port} is taken: set ${key} to a free port, or stop what uses it`,
        { cause },
      )
    }
    if (code === 'EACCES') {
      throw new StartError('port_taken', `port ${port} may not be used: set ${key} to one above 1023`, {
        cause,
      })
    }
    throw cause
  }
}
