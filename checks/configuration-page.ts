import { readFileSync, writeFileSync } from 'node:fs'
import { apiConfig } from '@fairlead/api/config'
import { daemonConfig } from '@fairlead/daemon/run'
import { operatorConfig } from '@fairlead/operator/config'
import { receiverConfig } from '@fairlead/receiver/config'
import { standaloneConfig } from '@fairlead/standalone/config'
import { storeConfig } from '@fairlead/store/config'
import { workerConfig } from '@fairlead/worker/config'
import { z } from 'zod'

/*
 * docs/configuration.md is made from the schemas that read the environment. `node checks/configuration-page.ts --write`
 * makes it again; the test beside this file fails on any difference.
 */

const page = new URL('../docs/configuration.md', import.meta.url)

const parts: readonly [name: string, what: string, schema: z.ZodObject][] = [
  ['Every process', 'All parts in Kubernetes; `npm start` has its own keys for the same.', daemonConfig],
  ['receiver', 'Takes webhooks in.', receiverConfig],
  ['worker', 'Delivers them.', workerConfig],
  ['store', 'Owns PostgreSQL.', storeConfig],
  ['api', 'REST for people and programs.', apiConfig],
  ['operator', 'Turns Organizations into settings.', operatorConfig],
  [
    'npm start',
    'Everything on one machine. Servers that are given by their URL are not started.',
    standaloneConfig,
  ],
]

export function configurationPage(): string {
  const sections = parts.map(([name, what, schema]) => `## ${name}\n\n${what}\n\n${table(schema)}`)
  return [
    '# Configuration',
    '',
    'Made from the schemas in the code. Every key is an environment variable. A process that is given a faulty value',
    'ends with code 78 and tells all faults at once. OpenTelemetry is configured by its own `OTEL_*` variables, and off',
    'without them.',
    '',
    sections.join('\n\n'),
    '',
  ].join('\n')
}

interface Property {
  readonly type?: string
  readonly description?: string
  readonly default?: unknown
  readonly enum?: readonly unknown[]
  readonly minimum?: number
  readonly maximum?: number
}

function table(schema: z.ZodObject): string {
  // What a value is read into is not JSON's in a few places (a parsed list); what is written there is text.
  const { properties = {}, required = [] } = z.toJSONSchema(schema, {
    io: 'input',
    unrepresentable: 'any',
  }) as {
    properties?: Record<string, Property>
    required?: readonly string[]
  }
  const rows = Object.entries(properties).map(([key, property]) => {
    const cells = [
      `\`${key}\``,
      defaultOf(property, required.includes(key)),
      rangeOf(property),
      property.description ?? '',
    ]
    return `| ${cells.map(cell => cell.replaceAll('|', '\\|')).join(' | ')} |`
  })
  return ['| key | default | values | what it is |', '| --- | --- | --- | --- |', ...rows].join('\n')
}

function defaultOf(property: Property, required: boolean): string {
  if (property.default === undefined) return required ? '**required**' : 'none'
  return property.default === '' ? 'empty' : `\`${String(property.default)}\``
}

/** Limits that come from the number type itself say nothing. */
function rangeOf({ enum: words, minimum, maximum, type }: Property): string {
  if (words) return words.map(word => `\`${String(word)}\``).join(', ')
  const least = minimum !== undefined && minimum > Number.MIN_SAFE_INTEGER ? minimum : undefined
  const most = maximum !== undefined && maximum < Number.MAX_SAFE_INTEGER ? maximum : undefined
  if (least !== undefined && most !== undefined) return `${least} to ${most}`
  if (least !== undefined) return `${least} or more`
  if (most !== undefined) return `up to ${most}`
  return type === 'string' || type === undefined ? 'text' : type
}

export const writtenPage = (): string => readFileSync(page, 'utf8')

if (import.meta.main && process.argv.includes('--write')) writeFileSync(page, configurationPage())
