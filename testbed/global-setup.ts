import { once } from 'node:events'
import { createServer } from 'node:http'
import { join } from 'node:path'
import type { BuiltImage } from '@fairlead/image/build'
import { findPostgres, type PostgresServer, startPostgres } from '@fairlead/servers/postgres'
import { Client } from 'pg'
import { asAdmin, imageTag, runUrlKey, withDatabase } from './run.ts'
import { scratchFolder } from './scratch.ts'

/**
 * Runs beside the tests, in vitest's own process, which outlives every worker: it owns what they share and makes it when
 * the first test asks. Vitest calls what this returns at the end of the run.
 */
export default async function setup(): Promise<() => Promise<void>> {
  // Another project of the run has it already.
  if (process.env[runUrlKey]) return async () => {}
  const opened = new AsyncDisposableStack()
  let postgres: Promise<PostgresServer> | undefined
  let template: Promise<string> | undefined
  let image: Promise<BuiltImage> | undefined
  const answers: Record<string, () => Promise<unknown>> = {
    '/postgres': async () => {
      postgres ??= startShared(opened)
      const { url, adminUrl } = await postgres
      return { url, adminUrl }
    },
    '/template': async () => {
      postgres ??= startShared(opened)
      template ??= postgres.then(makeTemplate)
      return template
    },
    '/image': async () => {
      image ??= makeImage(opened)
      return image
    },
  }
  const server = createServer(async (request, response) => {
    try {
      response.end(JSON.stringify(await answers[request.url ?? '']?.()))
    } catch (error) {
      response.writeHead(500).end(error instanceof Error ? error.stack : String(error))
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new TypeError('a TCP server has a port')
  process.env[runUrlKey] = `http://127.0.0.1:${address.port}`
  return async () => {
    server.close()
    server.closeAllConnections()
    await Promise.allSettled([postgres, template, image])
    await opened.disposeAsync()
  }
}

async function startShared(opened: AsyncDisposableStack): Promise<PostgresServer> {
  const home = opened.use(await scratchFolder()).path
  return opened.use(await startPostgres({ home, port: 0, programs: await findPostgres(), fsync: false }))
}

/**
 * The database that every migrated test database is a clone of. It has the tables of the coming days, which each store would make
 * at its start: sixteen, with their indexes.
 */
async function makeTemplate({ url, adminUrl }: PostgresServer): Promise<string> {
  const name = 'template_fairlead'
  await asAdmin(adminUrl, `create database ${name} owner fairlead`)
  // Loaded only by runs that need it.
  const { migrate } = await import('@fairlead/store/migrate')
  const { comingDays, ensureDays } = await import('@fairlead/store/partitions')
  await migrate(withDatabase(url, name))
  const client = new Client({ connectionString: withDatabase(url, name) })
  await client.connect()
  await ensureDays(client, comingDays(Date.now()))
  await client.end()
  return name
}

async function makeImage(opened: AsyncDisposableStack): Promise<BuiltImage> {
  const folder = opened.use(await scratchFolder()).path
  const { buildImage } = await import('@fairlead/image/build')
  return await buildImage({ tag: imageTag, out: join(folder, 'fairlead.tar') })
}
