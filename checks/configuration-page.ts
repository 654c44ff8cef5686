import { readFileSync, writeFileSync } from 'node:fs'
import { apiConfig } from '@fairlead/api/config'
import { daemonConfig } from '@fairlead/daemon/run'
import { operatorConfig } from '@fairlead/operator/config'
import { proberConfig } from '@fairlead/prober/config'
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

/** Processes, and the schema that reads the environment of each. */
export const parts: readonly [name: string, what: string, schema: z.ZodObject][] = [
  ['Every process', 'All parts in Kubernetes; `npm start` has its own keys for the same.', daemonConfig],
  ['receiver', 'Takes webhooks in.', receiverConfig],
  ['worker', 'Delivers them.', workerConfig],
  ['store', 'Owns PostgreSQL.', storeConfig],
  ['api', 'REST for people and programs.', apiConfig],
  ['prober', 'Sends webhooks to itself, and tells whether they arrive.', proberConfig],
  ['operator', 'Turns Organizations into settings.', operatorConfig],
  [
    'npm start',
    'Everything on one machine. Servers that are given by their URL are not started.',
    standaloneConfig,
  ],
]

type Row = readonly [key: string, byDefault: string, what: string]

/** Variables that no schema of a process reads: the test beside this file compares the first two tables with their readers. */
export const others: readonly [name: string, what: string, rows: readonly Row[]][] = [
  [
    'fairlead (the command line)',
    'Options of a command come before these.',
    [
      ['FAIRLEAD_API_URL', '`http://localhost:8081`', 'address of the API'],
      ['FAIRLEAD_API_PORT', '`8081`', 'port of the API on this machine, where no address is given'],
      ['FAIRLEAD_API_KEY', 'the key of `npm start`', 'API key'],
      ['FAIRLEAD_API_KEY_FILE', 'none', 'file that holds an API key; read if FAIRLEAD_API_KEY is not set'],
      ['FAIRLEAD_HOME', '`.fairlead`', 'folder of `npm start`, where its API key is'],
      ['FAIRLEAD_NAMESPACE', 'searched for', '`kubectl fairlead`: the namespace where Fairlead is'],
      ['FAIRLEAD_ORGANIZATION', 'the only one', "the organization's slug; `acme` for `fairlead seed`"],
      ['FAIRLEAD_ORGANIZATIONS', '`k8s/samples`', '`fairlead send`: folder of Organizations'],
      ['FAIRLEAD_RECEIVER_PORT', '`8080`', '`fairlead send`: port of the receiver on this machine'],
      ['FAIRLEAD_SECRET', 'none', '`fairlead verify` and `explain`: secret of the source'],
      ['FAIRLEAD_STORE_TOKEN', 'that of `npm start`', '`fairlead seed`: token of the store'],
      ['FAIRLEAD_STORE_URL', '`http://localhost:50051`', '`fairlead seed`: address of the store'],
    ],
  ],
  [
    'compose.yaml',
    'Variables of the file for Docker; see image/README.md.',
    [
      ['FAIRLEAD_DESTINATION_ALLOW', 'empty', 'as for the worker'],
      ['FAIRLEAD_ENCRYPTION_KEYS', '**required**', 'as for receiver, worker and store'],
      ['FAIRLEAD_IMAGE', '`localhost/fairlead:dev`', 'image of all parts'],
      ['FAIRLEAD_LISTEN', '`127.0.0.1`', 'address of this machine at which receiver and API answer'],
      ['FAIRLEAD_ORGANIZATIONS', '`./k8s/samples`', 'folder of Organizations'],
      ['FAIRLEAD_POSTGRES_ADMIN_PASSWORD', '**required**', "password of PostgreSQL's superuser"],
      ['FAIRLEAD_POSTGRES_PASSWORD', '**required**', "password of the store's role in PostgreSQL"],
      ['FAIRLEAD_PUBLIC_URL', '`http://localhost:8080`', 'as for receiver, api and operator'],
      ['FAIRLEAD_TRUSTED_PROXIES', 'empty', 'as for the receiver'],
    ],
  ],
]

/** Keys of the table of that name. */
export const keysOf = (name: string): readonly string[] =>
  others.flatMap(([table, , rows]) => (table === name ? rows.map(([key]) => key) : []))

const listed = (rows: readonly Row[]): string =>
  [
    '| key | default | what it is |',
    '| --- | --- | --- |',
    ...rows.map(([key, byDefault, what]) => `| \`${key}\` | ${byDefault} | ${what} |`),
  ].join('\n')

export function configurationPage(): string {
  const sections = parts.map(([name, what, schema]) => `## ${name}\n\n${what}\n\n${table(schema)}`)
  return [
    '# Configuration',
    '',
    'Made from the schemas in the code. Every key is an environment variable. A process that is given a faulty value',
    'ends with code 78 and tells all faults at once. For each key of a process, `<KEY>_FILE` may name a file that holds the',
    'value instead, such as a mounted secret; a last line break is dropped. The command line reads only the two `_FILE`',
    'keys that its table has.',
    '',
    [...sections, ...others.map(([name, what, rows]) => `## ${name}\n\n${what}\n\n${listed(rows)}`)].join(
      '\n\n',
    ),
    '',
  ].join('\n')
}

export interface Property {
  readonly type?: string
  readonly description?: string
  readonly default?: unknown
  readonly enum?: readonly unknown[]
  readonly minimum?: number
  readonly maximum?: number
}

/** The keys of a schema as JSON Schema has them. */
export function propertiesOf(schema: z.ZodObject): {
  readonly properties: Readonly<Record<string, Property>>
  readonly required: readonly string[]
} {
  // What a value is read into is not JSON's in a few places (a parsed list); what is written there is text.
  const { properties = {}, required = [] } = z.toJSONSchema(schema, {
    io: 'input',
    unrepresentable: 'any',
  }) as {
    properties?: Record<string, Property>
    required?: readonly string[]
  }
  return { properties, required }
}

function table(schema: z.ZodObject): string {
  const { properties, required } = propertiesOf(schema)
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
export function rangeOf({ enum: words, minimum, maximum, type }: Property): string {
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
