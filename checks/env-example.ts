import { readFileSync, writeFileSync } from 'node:fs'
import type { z } from 'zod'
import { others, type Property, parts, propertiesOf, rangeOf } from './configuration-page.ts'

/*
 * .env.example has every setting, for those who run Fairlead without Kubernetes: it is made from the schemas that read the environment,
 * as docs/configuration.md is. `node checks/env-example.ts --write` makes it again; the test beside this file fails on any difference.
 */

const file = new URL('../.env.example', import.meta.url)

/** What `npm start` reads comes first: it is all that most machines need. */
const order = ['npm start', 'Every process']

/** One setting, with the processes that read it. */
interface Setting {
  readonly key: string
  readonly property: Property
  readonly readBy: string[]
  readonly requiredBy: string[]
}

export function envExample(): string {
  const sorted = parts.toSorted(([a], [b]) => rank(a) - rank(b))
  const settings = new Map<string, Setting>()
  const sections: string[] = []
  for (const [name, what, schema] of sorted) {
    const own = settingsOf(name, schema, settings)
    sections.push([`# --- ${name}`, `# ${what}`, '', own.map(render).join('\n\n')].join('\n'))
  }
  for (const [name, what, rows] of others) {
    const own = rows.filter(([key]) => !settings.has(key)).map(row => renderOther(row))
    if (own.length > 0) sections.push([`# --- ${name}`, `# ${what}`, '', own.join('\n\n')].join('\n'))
    for (const [key] of rows) settings.set(key, settings.get(key) ?? noSchema(key))
  }
  return `${head}\n\n${sections.join('\n\n')}\n`
}

/** A variable that no process reads. */
const noSchema = (key: string): Setting => ({ key, property: {}, readBy: [], requiredBy: [] })

/** A default in backticks is a value; another one is a remark. */
function renderOther([key, byDefault, what]: readonly [string, string, string]): string {
  const [, value = ''] = /^`([^`]*)`$/.exec(byDefault) ?? []
  const remark =
    value !== '' || byDefault === 'empty' || byDefault === 'none'
      ? ''
      : ` (${byDefault.replaceAll(/[*`]/g, '')})`
  return [...wrap(`${what}${remark}`).map(line => `# ${line}`), `# ${key}=${quoted(value)}`].join('\n')
}

const rank = (name: string): number => (order.includes(name) ? order.indexOf(name) : order.length)

const head = `# Every setting of Fairlead, for machines without Kubernetes. Made from the schemas in the code: docs/configuration.md has
# the same by process. All lines are commented out, with the default where there is one: a copy of this file changes nothing.
#
#   npm start            cp .env.example .env, then: set -a; . ./.env; set +a; npm start
#   docker compose       reads .env beside compose.yaml by itself, and hands on the keys that docs/configuration.md has under compose.yaml
#   systemd              EnvironmentFile=
#
# A setting that several processes read stands once, with their names. For each key KEY of a process, KEY_FILE may name a file that
# holds the value, such as a secret. Secrets are better kept there than here.`

/** Settings of a process that none before it reads. */
function settingsOf(name: string, schema: z.ZodObject, known: Map<string, Setting>): Setting[] {
  const { properties, required } = propertiesOf(schema)
  return Object.entries(properties).flatMap(([key, property]) => {
    const setting = known.get(key) ?? { key, property, readBy: [], requiredBy: [] }
    const isNew = !known.has(key)
    known.set(key, setting)
    setting.readBy.push(name)
    if (required.includes(key)) setting.requiredBy.push(name)
    return isNew ? [setting] : []
  })
}

function render({ key, property, readBy, requiredBy }: Setting): string {
  const range = rangeOf(property).replaceAll('`', '')
  const facts = [
    range === 'text' ? '' : `Values: ${range}.`,
    requiredBy.length > 0 ? `Required by ${requiredBy.join(', ')}.` : '',
    readBy.length > 1 ? `Read by ${readBy.join(', ')}.` : '',
  ].filter(Boolean)
  const said = wrap([property.description ?? '', ...facts].filter(Boolean).join('. ').replaceAll('.. ', '. '))
  const byDefault = property.default === undefined ? '' : String(property.default)
  return [...said.map(line => `# ${line}`), `# ${key}=${quoted(byDefault)}`].join('\n')
}

/** As shells, docker compose and systemd all read it. */
const quoted = (text: string): string =>
  /^[\w./:,@%+-]*$/.test(text) ? text : `'${text.replaceAll("'", '')}'`

const width = 110

function wrap(text: string): string[] {
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + word.length < width) lines[lines.length - 1] = `${last} ${word}`
    else lines.push(word)
  }
  return lines
}

export const writtenExample = (): string => readFileSync(file, 'utf8')

if (import.meta.main && process.argv.includes('--write')) writeFileSync(file, envExample())
