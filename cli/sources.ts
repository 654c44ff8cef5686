import type { Source } from './answer-shapes.ts'
import { apiOptions, apiUsage, openApi } from './api-client.ts'
import { readArguments } from './arguments.ts'
import { exitCode } from './command-error.ts'
import { relativeTime } from './show-time.ts'
import { type Column, printTable } from './table.ts'
import { openTerminal, type Terminal } from './terminal.ts'

const usage = `fairlead sources

Where webhooks come in, and which secrets still verify them: one line a secret,
with how many events it verified and when it last did. All secrets of a source
are live; after a rotation the old one can go once it matches no more. Says so
where a source swallows many requests as repeats although their bodies differ.

  --json                 the API's own JSON, one a line
${apiUsage}`

/** One secret of a source; a source without any has one line too. */
interface Line {
  readonly source: Source
  readonly secret: Source['secrets'][number] | undefined
  readonly isFirst: boolean
}

export async function sources(args: readonly string[]): Promise<number> {
  const options = { ...apiOptions, json: { type: 'boolean' } } as const
  const { values } = readArguments(usage, args, options, { most: 0 })
  const api = openApi(values)
  const path = `${await api.organizationPath()}/sources`
  const { items } = await api.call<{ items: readonly Source[] }>('GET', path)
  const terminal = openTerminal()
  if (values.json) for (const source of items) terminal.print(JSON.stringify(source))
  else if (items.length === 0) terminal.note('No source is declared.')
  else printTable(columns(new Date()), items.flatMap(linesOf), terminal)
  if (!values.json) for (const source of items) warnOf(source, terminal)
  return exitCode.ok
}

/** A source whose deduplication rather takes new events for repeats. */
function warnOf({ name, lastHour }: Source, terminal: Terminal): void {
  if (!lastHour.swallowing) return
  const { repeated, differing } = lastHour
  terminal.note(
    `${name}: ${repeated} requests of the last hour were swallowed as repeats, ${differing} of them with another body: ` +
      `see fairlead rejections --source ${name}, or declare deduplicate: false`,
  )
}

function linesOf(source: Source): Line[] {
  if (source.secrets.length === 0) return [{ source, secret: undefined, isFirst: true }]
  return source.secrets.map((secret, i) => ({ source, secret, isFirst: i === 0 }))
}

function columns(now: Date): Column<Line>[] {
  return [
    { title: 'SOURCE', text: ({ source, isFirst }) => (isFirst ? source.name : ''), least: 8 },
    { title: 'PROVIDER', text: ({ source, isFirst }) => (isFirst ? source.provider : ''), least: 8 },
    { title: 'SECRET', text: ({ secret }) => secret?.id ?? '–', least: 10 },
    { title: 'MATCHED', text: ({ secret }) => (secret ? String(secret.matched) : '–'), alignRight: true },
    {
      title: 'LAST',
      text: ({ source, secret }) => {
        const last = secret ? secret.lastMatchedAt : source.lastEventAt
        return last ? relativeTime(last, now) : 'never'
      },
      colour: ({ secret }) => (secret?.lastMatchedAt === null ? 'yellow' : undefined),
    },
    { title: 'PATH', text: ({ source, isFirst }) => (isFirst ? source.path : ''), optional: true },
  ]
}
