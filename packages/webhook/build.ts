import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

/*
 * The package as npm gets it: JavaScript and declarations, which runtimes other than this repository's Node need.
 * `npm run build -w @fairlead/webhook` leaves it in dist/.
 */

/** What can be imported from the published package; anything else it holds is private. */
export const published = [
  'check-scheme',
  'check-vectors',
  'define-source',
  'explain',
  'fetch-keys',
  'open',
  'providers/table',
  'receive',
  'sample-request',
  'scheme',
  'sign',
  'verify/scheme-error',
] as const

const source = import.meta.dirname
const repository = join(source, '../..')

/** Writes the tarball into `folder`. @returns its path. @throws where tsc or npm fail, with what they said */
export function packPackage(folder: string): string {
  const stage = mkdtempSync(join(tmpdir(), 'fairlead-webhook-'))
  try {
    emit(stage)
    writeFileSync(join(stage, 'package.json'), JSON.stringify(publishedManifest(), null, 2))
    copyFileSync(join(repository, 'LICENSE'), join(stage, 'LICENSE'))
    writeFileSync(join(stage, 'README.md'), publishedReadme())
    const said = run('npm', ['pack', '--json', '--pack-destination', folder], stage)
    return join(folder, tarballName(said))
  } finally {
    rmSync(stage, { recursive: true, force: true })
  }
}

function emit(outDir: string): void {
  const config = join(outDir, 'tsconfig.json')
  writeFileSync(
    config,
    JSON.stringify({
      extends: join(repository, 'tsconfig.json'),
      compilerOptions: {
        target: 'es2023',
        noEmit: false,
        allowJs: false,
        checkJs: false,
        declaration: true,
        rewriteRelativeImportExtensions: true,
        rootDir: source,
        outDir,
        typeRoots: [join(repository, 'node_modules/@types')],
      },
      files: published.map(name => join(source, `${name}.ts`)),
      include: [],
      exclude: [],
    }),
  )
  const typescript = createRequire(import.meta.url).resolve('typescript/package.json')
  run(process.execPath, [join(dirname(typescript), 'bin/tsc'), '-p', config], source)
  rmSync(config)
}

/** Only what is published is named, and nothing is needed at run time. */
function publishedManifest(): object {
  const { name, version, description, license, type, engines } = JSON.parse(
    readFileSync(join(source, 'package.json'), 'utf8'),
  )
  return {
    ...{ name, version, description, license, type, engines },
    sideEffects: false,
    exports: Object.fromEntries(
      published.map(entry => [`./${entry}`, { types: `./${entry}.d.ts`, default: `./${entry}.js` }]),
    ),
  }
}

/** Links into the repository lead nowhere from a registry's page. */
function publishedReadme(): string {
  return readFileSync(join(source, 'README.md'), 'utf8').replace(/\[([^[\]]+)\]\(\.\.\/[^[\]()]*\)/g, '$1')
}

/** npm 11 prints a list, later ones an object by package. */
function tarballName(json: string): string {
  const said = JSON.parse(json)
  return (Object.values(said)[0] as { filename: string }).filename
}

function run(program: string, args: readonly string[], cwd: string): string {
  try {
    return execFileSync(program, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
  } catch (error) {
    const { stdout, stderr } = error as { stdout?: string; stderr?: string }
    throw new Error(`${program} failed:\n${stdout ?? ''}${stderr ?? ''}`, { cause: error })
  }
}
