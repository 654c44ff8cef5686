import { type ParseArgsConfig, parseArgs } from 'node:util'
import { CommandError, exitCode } from './command-error.ts'

type Options = NonNullable<ParseArgsConfig['options']>

/** Options of every command. */
const always = { help: { type: 'boolean', short: 'h' } } as const

/** Thrown for --help: not a failure, but the end of the command all the same. */
export class HelpAsked extends Error {
  readonly usage: string

  constructor(usage: string) {
    super('help')
    this.name = 'HelpAsked'
    this.usage = usage
  }
}

/**
 * Reads a command's arguments. Throws a HelpAsked for --help, and a CommandError with the exit code of a usage fault
 * for an option that isn't known or lacks its value.
 */
export function readArguments<const T extends Options>(
  usage: string,
  args: readonly string[],
  options: T,
  positionals: { readonly most: number } = { most: 0 },
) {
  const parsed = parseOrRefuse(usage, args, { ...options, ...always })
  if ((parsed.values as { help?: boolean }).help) throw new HelpAsked(usage)
  if (parsed.positionals.length > positionals.most) {
    throw usageFault(usage, `There is one argument too many: ${parsed.positionals[positionals.most]}`)
  }
  return parsed
}

function parseOrRefuse<const T extends Options>(usage: string, args: readonly string[], options: T) {
  try {
    return parseArgs({ args: joinTimes(args), options, allowPositionals: true, strict: true })
  } catch (error) {
    // Node's own sentences, such as: Unknown option '--urll'. …
    throw usageFault(usage, (error as Error).message.split('. ')[0]!)
  }
}

/** `--after -10m` as one word: Node takes the time for options of its own. */
function joinTimes(args: readonly string[]): string[] {
  const joined: string[] = []
  for (const arg of args) {
    const isTime = /^-\d+[smhd]$/.test(arg) && /^--(after|before)$/.test(joined.at(-1) ?? '')
    if (isTime) joined.push(`${joined.pop()}=${arg}`)
    else joined.push(arg)
  }
  return joined
}

export function usageFault(usage: string, sentence: string): CommandError {
  return new CommandError(`${sentence}\n${usage.split('\n')[0]}\nMore: add --help`, exitCode.usage)
}

/** A whole number in its range, or the default. */
export function readNumber(
  usage: string,
  name: string,
  text: string | undefined,
  range: { readonly least: number; readonly most: number; readonly otherwise: number },
): number {
  if (text === undefined) return range.otherwise
  const value = Number(text)
  if (Number.isInteger(value) && value >= range.least && value <= range.most) return value
  throw usageFault(usage, `--${name} takes a whole number from ${range.least} to ${range.most}, not ${text}`)
}
