import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Lock, type LockEntry, productionPaths } from './production.ts'

/**
 * The image's bill of materials: CycloneDX 1.6 as JSON (https://cyclonedx.org/docs/1.6/json/), with every npm package
 * that the image has and Node itself. The same lockfile gives the same bytes, so it has neither time nor serial number;
 * `npm sbom` writes both, and lists what only the checkout has. The libraries below Node are the base image's, which has
 * a list of its own.
 * @param root the folder of package-lock.json
 */
export function writeSbom(root: string): string {
  const lock: Lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'))
  const paths = productionPaths(lock).filter(path => path.includes('node_modules/'))
  const components = new Map<string, object>()
  for (const path of paths) {
    const entry = lock.packages[path]!
    const source = entry.link ? lock.packages[entry.resolved!]! : entry
    const component = describe(path.slice(path.lastIndexOf('node_modules/') + 13), source)
    components.set(component['bom-ref'], component)
  }
  const node = lock.packages['node_modules/node']
  if (node?.version === undefined) throw new TypeError('package-lock.json has no node')
  const own = lock.packages['']
  const bom = {
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    metadata: {
      component: {
        type: 'container',
        'bom-ref': 'fairlead',
        name: 'fairlead',
        version: own?.version,
        licenses: licenses(own?.license),
      },
    },
    components: [
      {
        type: 'platform',
        'bom-ref': `pkg:generic/node@${node.version}`,
        name: 'node',
        version: node.version,
        purl: `pkg:generic/node@${node.version}`,
        licenses: licenses('MIT'),
      },
      ...[...components.values()],
    ],
  }
  return `${JSON.stringify(bom, null, 2)}\n`
}

function describe(name: string, { version, license, integrity }: LockEntry) {
  const purl = `pkg:npm/${name.replace('@', '%40')}@${version}`
  const [, sha512] = /^sha512-(\S+)/.exec(integrity ?? '') ?? []
  return {
    type: 'library',
    'bom-ref': purl,
    name,
    version,
    purl,
    licenses: licenses(license),
    ...(sha512 !== undefined && {
      hashes: [{ alg: 'SHA-512', content: Buffer.from(sha512, 'base64').toString('hex') }],
    }),
  }
}

/** One SPDX identifier, or an expression of several. */
function licenses(license: string | undefined): object[] {
  if (license === undefined) return []
  return [/ /.test(license) ? { expression: license } : { license: { id: license } }]
}
