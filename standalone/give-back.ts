import { Session } from 'node:inspector/promises'

/**
 * Collects garbage, so that the memory that a start has used goes back to the system. Loading modules and reading
 * configuration leave a heap of twice what stays, and V8 collects when memory is allocated: a process that then has nothing to do
 * would keep all of it. Takes 0.1 to 0.3 s for 80 MiB that stay, in which this process does nothing else: call it before others wait for
 * this process.
 */
export async function giveBackMemory(): Promise<void> {
  // A session within this process: no port is opened.
  const session = new Session()
  session.connect()
  try {
    await session.post('HeapProfiler.collectGarbage')
  } finally {
    session.disconnect()
  }
}
