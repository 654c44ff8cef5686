import { readFileSync } from 'node:fs'
import type { SchemeConfig } from '@fairlead/webhook/scheme'
import { parse as parseYaml } from 'yaml'
import { usageFault } from './arguments.ts'
import { CommandError } from './command-error.ts'

/*
 * Arguments that commands about one request share: its source, and the request itself.
 */

export const sourceOptions = {
  provider: { type: 'string', short: 'p' },
  secret: { type: 'string', multiple: true },
  'secret-file': { type: 'string', multiple: true },
  option: { type: 'string', multiple: true },
  scheme: { type: 'string' },
  tolerance: { type: 'string' },
} as const

export interface SourceValues {
  readonly provider?: string | undefined
  readonly secret?: string[] | undefined
  readonly 'secret-file'?: string[] | undefined
  readonly option?: string[] | undefined
  readonly scheme?: string | undefined
  readonly tolerance?: string | undefined
}

/** The environment's name for a secret: neither seen by other processes of this machine nor kept by the shell. */
export const secretVariable = 'FAIRLEAD_SECRET'

/** @throws CommandError where no provider is named, or an option can't be read */
export function readSource(usage: string, values: SourceValues, env: NodeJS.ProcessEnv): SchemeConfig {
  if (values.provider === undefined) {
    throw usageFault(usage, 'Which provider? Such as: --provider stripe')
  }
  const told = [...(values.secret ?? []), ...(values['secret-file'] ?? []).map(readSecret)]
  const fromEnvironment = env[secretVariable]
  const secrets = told.length === 0 && fromEnvironment ? [fromEnvironment] : told
  return {
    provider: values.provider,
    secrets,
    ...(values.option && { options: Object.fromEntries(values.option.map(text => readOption(usage, text))) }),
    ...(values.scheme !== undefined && { scheme: readDocument(values.scheme) }),
    ...(values.tolerance !== undefined && { toleranceSeconds: readTolerance(usage, values.tolerance) }),
  }
}

function readTolerance(usage: string, text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text)
  throw usageFault(usage, `--tolerance takes whole seconds, not ${text}`)
}

/** `name=value`; a value is JSON where it reads so (true, lists, objects), `@file` is a file's text, else it is text. */
function readOption(usage: string, text: string): [string, unknown] {
  const equals = text.indexOf('=')
  if (equals < 1) throw usageFault(usage, `--option takes name=value, not ${text}`)
  const [name, value] = [text.slice(0, equals), text.slice(equals + 1)]
  if (value.startsWith('@')) return [name, readBytes(value.slice(1)).toString()]
  if (!/^(true$|false$|\[|\{)/.test(value)) return [name, value]
  try {
    return [name, JSON.parse(value)]
  } catch {
    throw usageFault(usage, `--option ${name} can't be read as JSON`)
  }
}

/** `Name: value` lines into lower-case names; a repeated name becomes a list. */
export function readHeaders(usage: string, lines: readonly string[]): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = {}
  for (const line of lines) {
    const colon = line.indexOf(':')
    if (colon < 1) throw usageFault(usage, `-H takes 'name: value', not ${line}`)
    const name = line.slice(0, colon).trim().toLowerCase()
    const value = line.slice(colon + 1).trim()
    const known = headers[name]
    headers[name] = known === undefined ? value : [known, value].flat()
  }
  return headers
}

/** Unix seconds or milliseconds, or an ISO time, as Unix milliseconds; now where it isn't given. */
export function readNow(usage: string, text: string | undefined): number {
  if (text === undefined) return Date.now()
  const number = /^\d{1,13}$/.test(text) ? Number(text) : undefined
  // Ten digits are seconds until the year 2286; milliseconds have had thirteen since 2001.
  const nowMs = number === undefined ? Date.parse(text) : number < 1e11 ? number * 1000 : number
  if (Number.isNaN(nowMs)) throw usageFault(usage, `--now takes Unix seconds or an ISO time, not ${text}`)
  return nowMs
}

/** A secret file's text, without the newline that editors put at its end. */
function readSecret(path: string): string {
  return readBytes(path)
    .toString()
    .replace(/\r?\n$/, '')
}

/** YAML or JSON. */
export function readDocument(path: string): unknown {
  const text = readBytes(path).toString()
  try {
    return path.endsWith('.json') ? JSON.parse(text) : parseYaml(text)
  } catch (error) {
    const [sentence] = (error as Error).message.split('\n')
    throw new CommandError(`${path} can't be read: ${sentence}`, undefined, { cause: error })
  }
}

/** A file's bytes; `-` is standard input. */
export function readBytes(path: string): Buffer {
  try {
    return readFileSync(path === '-' ? 0 : path)
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException
    throw new CommandError(`${path} can't be read: ${readFaults[code] ?? code}`, undefined, { cause: error })
  }
}

const readFaults: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EISDIR: 'it is a folder',
  EACCES: 'you may not read it',
}
