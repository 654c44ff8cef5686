import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { text } from 'node:stream/consumers'
import type { BuiltImage } from '@fairlead/image/build'
import { Client } from 'pg'

/** Where global-setup.ts answers; it sets this before the workers that run the tests start, and they inherit it. */
export const runUrlKey = 'FAIRLEAD_TESTBED_URL'

/** The run's PostgreSQL: its database `fairlead` as role `fairlead`, and `postgres` as the superuser. */
export async function postgresOfRun(): Promise<{ readonly url: string; readonly adminUrl: string }> {
  return (await askRun('/postgres')) as { url: string; adminUrl: string }
}

/** The name of the run's migrated database, made when the first one asks. */
export async function templateOfRun(): Promise<string> {
  return (await askRun('/template')) as string
}

/** The tag of the run's image. */
export const imageTag = 'localhost/fairlead:test'

/** The container image of this checkout, built when the first one asks. */
export async function imageOfRun(): Promise<BuiltImage> {
  return (await askRun('/image')) as BuiltImage
}

async function askRun(path: string): Promise<unknown> {
  const url = process.env[runUrlKey]
  if (!url)
    throw new Error(`${runUrlKey} isn't set: this comes from vitest's globalSetup, testbed/global-setup.ts`)
  const [answer] = (await once(request(`${url}${path}`).end(), 'response')) as [IncomingMessage]
  const body = await text(answer)
  if (answer.statusCode !== 200) throw new Error(`the test run could not give ${path}: ${body}`)
  return JSON.parse(body)
}

/** Runs one statement on a connection of its own. */
export async function asAdmin(url: string, statement: string): Promise<void> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}

/** The same server's URL for another database. */
export function withDatabase(url: string, name: string): string {
  const parsed = new URL(url)
  parsed.pathname = `/${name}`
  return parsed.href
}
