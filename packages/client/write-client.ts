import { join } from 'node:path'
import { generate } from 'orval'

/** The file that is committed. */
export const clientFile = join(import.meta.dirname, 'gen', 'client.ts')

/**
 * Writes the typed client of docs/openapi.json: one function for each operation, over our own transport. Settings that
 * matter: without `urlEncodeParameters` a slash in a parameter would lead to another operation; without the mutator a
 * proxy's page of HTML would throw from within JSON.parse.
 */
export async function writeClient(target: string): Promise<void> {
  await generate({
    input: join(import.meta.dirname, '..', '..', 'docs', 'openapi.json'),
    output: {
      target,
      client: 'fetch',
      mode: 'single',
      urlEncodeParameters: true,
      headers: true,
      override: {
        mutator: { path: join(import.meta.dirname, 'transport.ts'), name: 'transport', extension: '.ts' },
      },
    },
  })
}

if (import.meta.main) await writeClient(clientFile)
