import { globSync, readFileSync } from 'node:fs'
import { parseSync, Visitor } from 'oxc-parser'
import { analyse } from 'scslre'

/**
 * Whether a shipped pattern takes more time than in proportion to its text: a stranger's header of 32 characters could hold
 * up a process for minutes. Exponential and quadratic backtracking are both found, and patterns that look for their start
 * at every character. What isn't found: a repeated choice whose branches overlap, such as `(a|a)*`, which is scslre's limit.
 * Prints every fault and exits 1 if there is one.
 */

/** Folders whose code meets text of others. */
const shipped = ['packages', 'services', 'operator', 'cli', 'standalone']

/**
 * Files that compose patterns at run time, and why each is safe: no part comes from outside, and the whole pattern was
 * reviewed like a literal.
 */
const composed: Readonly<Record<string, string>> = {
  'packages/wire/declared/field.ts': 'a DNS label, at most 63 characters',
  'operator/organization/schema.ts': 'a DNS label, at most 63 characters',
  'operator/replay/schema.ts': 'a DNS label, at most 63 characters',
  'packages/webhook/sample-request.ts': 'our own samples',
  'packages/webhook/verify/multipart.ts': 'one of our own names, sought in a head of bounded length',
  'services/worker/egress/headers.ts': 'one class of characters',
}

export interface PatternSource {
  /** From the root, with slashes. */
  readonly path: string
  readonly text: string
}

/** Every pattern that may take longer than its text is long, as lines for a person. */
export function patternFaults({ path, text }: PatternSource): string[] {
  const faults: string[] = []
  const at = (offset: number) => `${path}:${text.slice(0, offset).split('\n').length}`
  const take = (offset: number, source: string, flags: string) => {
    const fault = faultOf(source, flags)
    if (fault) faults.push(`${at(offset)} /${source}/${flags}: ${fault}`)
  }
  new Visitor({
    Literal(node) {
      if ('regex' in node) take(node.start, node.regex.pattern, node.regex.flags)
    },
    NewExpression({ callee, arguments: [first, second], start }) {
      if (callee.type !== 'Identifier' || callee.name !== 'RegExp') return
      const flags = second?.type === 'Literal' ? String(second.value) : ''
      if (first?.type === 'Literal') take(start, String(first.value), flags)
      else if (!(path in composed)) {
        faults.push(
          `${at(start)} puts a pattern together: write it as a literal, or say in ${here} why it is safe`,
        )
      }
    },
  }).visit(parseSync(path, text).program)
  return faults
}

const here = 'checks/patterns.ts'

function faultOf(source: string, flags: string): string | undefined {
  const { reports } = analyse({ source, flags })
  if (reports.length === 0) return undefined
  return reports.some(({ exponential }) => exponential)
    ? 'its time may double with each character'
    : "its time may grow with the square of the text's length"
}

if (import.meta.main) {
  const paths = globSync(`{${shipped.join(',')}}/**/*.{ts,mjs}`, {
    exclude: path => /(^|\/)(node_modules|dist)$/.test(path),
  }).filter(path => !/\.test\.ts$|(^|\/)fixtures\//.test(path))
  const faults = paths.sort().flatMap(path => patternFaults({ path, text: readFileSync(path, 'utf8') }))
  for (const fault of faults) console.log(fault)
  console.log(`${paths.length} files, ${faults.length} patterns that may take longer than their text is long`)
  process.exitCode = faults.length > 0 ? 1 : 0
}
