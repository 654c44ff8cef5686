import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { parseArgs, promisify } from 'node:util'
import { scratchFolder } from '@fairlead/testbed/scratch'
import { findValgrind } from '@fairlead/testbed/valgrind'
import { build } from 'esbuild'
import { z } from 'zod'

/**
 * Instructions of the functions that every webhook passes, counted by callgrind with node's interpreter alone: a count
 * depends neither on the machine's load nor on when something is compiled. To write down new counts:
 *
 *   node load-tests/instructions/count-instructions.ts --write [--note 'why a function may take more']
 *
 * A count that stays within 2 % of the one that is kept does not replace it: small steps would add up unseen.
 */

/** What is kept in `counts.json`. */
const keptSchema = z.strictObject({
  /** The pinned node, and the processor: others count otherwise. */
  node: z.string(),
  arch: z.string(),
  /** Of the code that was counted. */
  digest: z.string(),
  /** Instructions of one call. */
  counts: z.record(z.string(), z.number()),
  /** Why a function takes more than before. */
  notes: z.record(z.string(), z.string()).default({}),
})
export type Kept = z.infer<typeof keptSchema>

/** How much a function may grow without a note. */
export const tolerance = 1.02

const keptPath = join(import.meta.dirname, 'counts.json')
const require = createRequire(import.meta.url)

export const readKept = async (): Promise<Kept> =>
  keptSchema.parse(JSON.parse(await readFile(keptPath, 'utf8')))

/** The functions and all that they use, as one text without types: the interpreter can't run the compiler that strips them. */
export async function bundle(): Promise<{ readonly text: string; readonly digest: string }> {
  const { outputFiles } = await build({
    entryPoints: [join(import.meta.dirname, 'hot-functions.ts')],
    bundle: true,
    platform: 'node',
    format: 'cjs',
    write: false,
    legalComments: 'none',
    absWorkingDir: join(import.meta.dirname, '../..'),
  })
  const text = outputFiles[0]!.text
  // Paths of modules stand in comments.
  const code = text.replaceAll(/^\s*\/\/ .*$/gm, '')
  return { text, digest: createHash('sha256').update(code).digest('hex').slice(0, 16) }
}

export const pinnedNode = (): string => require('node/package.json').version as string

/** Counts, which takes 5 to 20 s. */
export async function countInstructions(text: string): Promise<Record<string, number>> {
  const { program, env } = await findValgrind()
  await using scratch = await scratchFolder()
  const script = join(scratch.path, 'hot-functions.cjs')
  const dumps = join(scratch.path, 'dump')
  await writeFile(script, text)
  const node = join(dirname(require.resolve('node/package.json')), 'bin/node')
  const { stdout } = await promisify(execFile)(
    program,
    [
      '--tool=callgrind',
      '-q',
      `--callgrind-out-file=${dumps}`,
      // Each begins a phase (hot-functions.ts).
      '--dump-before=node::os::GetHostname*',
      node,
      ...[
        '--jitless',
        '--single-threaded',
        '--predictable',
        '--hash-seed=1',
        '--random-seed=1',
        '--expose-gc',
        '--no-flush-bytecode',
        '--min-semi-space-size=64',
        '--max-semi-space-size=64',
      ],
      script,
    ],
    { env: { ...process.env, ...env, NODE_OPTIONS: '' }, maxBuffer: 1024 ** 2 },
  )
  const { names, phases, calls } = z
    .object({ names: z.array(z.string()), phases: z.number(), calls: z.number() })
    .parse(JSON.parse(stdout))
  const cheapest = async (place: number) => {
    // Of two dumps one is what was before a phase, and the other the phase.
    const dump = (phase: number) => readTotal(`${dumps}.${2 * (place * phases + phase) + 2}`)
    return Math.min(...(await Promise.all(Array.from({ length: phases }, (_, phase) => dump(phase)))))
  }
  const nothing = await cheapest(0)
  const counted: Record<string, number> = {}
  for (const [place, name] of names.entries()) {
    if (place > 0) counted[name] = Math.round(((await cheapest(place)) - nothing) / calls)
  }
  return counted
}

async function readTotal(path: string): Promise<number> {
  const total = /^totals: (\d+)$/m.exec(await readFile(path, 'utf8'))?.[1]
  if (total === undefined) throw new Error(`callgrind wrote no total to ${path}`)
  return Number(total)
}

/** What grew too much: `verify: 21000 instructions, 20000 before (+5.0 %)`. Pure. */
export function growthOf(kept: Kept['counts'], counted: Kept['counts']): readonly string[] {
  return Object.entries(counted).flatMap(([name, count]) => {
    const before = kept[name]
    if (before === undefined || count <= before * tolerance) return []
    const percent = ((count / before - 1) * 100).toFixed(1)
    return [`${name}: ${count} instructions, ${before} before (+${percent} %)`]
  })
}

/** What to keep after a count. Pure. */
export function nextKept(
  kept: Kept | undefined,
  now: Pick<Kept, 'node' | 'arch' | 'digest' | 'counts'>,
  note: string | undefined,
): Kept {
  const isSameBase = kept?.node === now.node && kept.arch === now.arch
  const counts = Object.entries(now.counts).map(([name, count]) => {
    const before = isSameBase ? kept.counts[name] : undefined
    const isNear = before !== undefined && count <= before * tolerance && count >= before / tolerance
    return [name, isNear ? before : count]
  })
  const grown = isSameBase ? growthOf(kept.counts, now.counts) : []
  const notes = note === undefined ? [] : grown.map(line => [line.split(':')[0]!, note])
  return {
    ...now,
    counts: Object.fromEntries(counts),
    notes: { ...kept?.notes, ...Object.fromEntries(notes) },
  }
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { write: { type: 'boolean', default: false }, note: { type: 'string' } },
  })
  const { text, digest } = await bundle()
  const counts = await countInstructions(text)
  const kept = await readKept().catch(() => undefined)
  console.table(
    Object.fromEntries(
      Object.entries(counts).map(([name, count]) => [name, { now: count, kept: kept?.counts[name] }]),
    ),
  )
  const now = { node: pinnedNode(), arch: process.arch, digest, counts }
  const grown = kept && kept.node === now.node && kept.arch === now.arch ? growthOf(kept.counts, counts) : []
  if (grown.length > 0) console.log(grown.join('\n'))
  if (!values.write) return
  if (grown.length > 0 && !values.note) {
    console.error("say why with --note 'reason'")
    process.exitCode = 1
    return
  }
  await writeFile(keptPath, `${JSON.stringify(nextKept(kept, now, values.note), null, 2)}\n`)
}

if (process.argv[1] === import.meta.filename) await main()
