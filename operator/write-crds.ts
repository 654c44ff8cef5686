import { mkdir, writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { stringify } from 'yaml'
import { organizationCrd } from './organization/crd.ts'

/**
 * Writes the CRDs to the chart: `node operator/write-crds.ts`. Run it after a change of a schema or of the table of
 * providers; a test says so when it was forgotten.
 */
export const crdFolder = resolve(import.meta.dirname, '../charts/fairlead/crds')

export function crdFiles(): Readonly<Record<string, string>> {
  const header =
    '# Made by operator/write-crds.ts from the schema in operator/organization. Not to be edited.\n'
  return {
    'organizations.yaml':
      header + stringify(organizationCrd(), { lineWidth: 110, aliasDuplicateObjects: false }),
  }
}

if (import.meta.main) {
  await mkdir(crdFolder, { recursive: true })
  for (const [name, text] of Object.entries(crdFiles())) await writeFile(resolve(crdFolder, name), text)
}
