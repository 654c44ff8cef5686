import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'

/**
 * All checks, for `npm run check`: two at one time, because most of them use one processor. Each says what it found once it has
 * ended. Exits 1 if one failed; the others run to their end.
 */
const lanes = [
  ['check:types', 'check:style'],
  ['check:unused', 'check:patterns', 'check:imports', 'check:length'],
]

/** Whether a script of package.json found nothing. */
async function passes(script: string): Promise<boolean> {
  const child = spawn('npm', ['run', script], { stdio: ['ignore', 'pipe', 'pipe'] })
  const closed = once(child, 'close')
  const [output, errors] = await Promise.all([text(child.stdout), text(child.stderr)])
  const [code] = await closed
  process.stdout.write(output)
  process.stderr.write(errors)
  return code === 0
}

async function walk(lane: readonly string[]): Promise<boolean> {
  let isGood = true
  for (const script of lane) isGood = (await passes(script)) && isGood
  return isGood
}

const found = await Promise.all(lanes.map(walk))
if (found.includes(false)) process.exitCode = 1
