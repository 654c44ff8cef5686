import { readFile, writeFile } from 'node:fs/promises'
import { setPriority } from 'node:os'

/** A third of the weight of those at 0 (sched(7): a step is a factor of 1.25). */
const niceness = 5

/**
 * Where processors are short, the receiver and the servers go before this process: an answer that a provider waits for,
 * before a delivery that nobody waits for. Call it when they run, because children inherit it.
 *
 * Linux shares processors between sessions first (autogroup, sched(7)), so it is this session that steps back, if it is
 * Fairlead's own; where it doesn't, the process does. Nothing is lost where neither may be set.
 */
export async function stepBack(): Promise<void> {
  setPriority(niceness)
  if (process.platform !== 'linux') return
  try {
    const stat = await readFile('/proc/self/stat', 'latin1')
    // The name is in parentheses and may hold anything: what follows the last one is fixed (proc(5)).
    const session = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[3])
    if (session === process.pid) await writeFile('/proc/self/autogroup', String(niceness))
  } catch {
    // A kernel without autogroups, or a container that hides them.
  }
}
