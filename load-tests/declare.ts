import { parseArgs } from 'node:util'
import { manifest } from '@fairlead/testbed/load/subject'
import { tenantsOf } from './organizations-of.ts'
import { findScenario } from './scenarios.ts'

/**
 * Prints the Organizations of a scenario, for the folder of `npm start` (FAIRLEAD_ORGANIZATIONS) or for kubectl:
 *
 *   node load-tests/declare.ts ingest [--destination http://localhost:8091] > load.yaml
 */
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { destination: { type: 'string', default: 'http://localhost:8091' } },
})
const tenants = tenantsOf(findScenario(positionals[0] ?? ''), values.destination)
process.stdout.write(`${tenants.map(tenant => manifest(tenant).trim()).join('\n---\n')}\n`)
