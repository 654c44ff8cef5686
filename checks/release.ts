import { execFileSync } from 'node:child_process'
import { globSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/*
 * `node checks/release.ts 0.2.0` makes a release ready: the version wherever it stands, the changelog's section, and what is
 * generated. It commits nothing; the tag is what .github/workflows/release.yaml acts on.
 */

/** Files in which the version stands, beside the lockfile and what is generated. */
export const versionedFiles = [
  'package.json',
  '{packages,services}/*/package.json',
  '{operator,cli,image,servers,standalone,testbed,load-tests,monitoring}/package.json',
  'charts/fairlead/Chart.yaml',
  'README.md',
  'docs/operations/*.md',
  '{charts/fairlead,k8s}/README.md',
  'testbed/kube/*.test.ts',
] as const

/** @throws TypeError where it isn't a semantic version, or not after the one before */
export function checkVersion(next: string, before: string): void {
  const [nextParts, beforeParts] = [next, before].map(text =>
    /^(\d+)\.(\d+)\.(\d+)$/.exec(text)?.slice(1).map(Number),
  )
  if (!nextParts || !beforeParts) throw new TypeError(`${next} is no version: give one like 0.2.0`)
  const differing = nextParts.findIndex((part, i) => part !== beforeParts[i])
  if (differing < 0 || nextParts[differing]! < beforeParts[differing]!) {
    throw new TypeError(`${next} does not come after ${before}`)
  }
}

/** The text with the version replaced where it stands as a word of its own: not in 10.1.0, nor in 0.1.0-rc. */
export function withVersion(text: string, before: string, next: string): string {
  return text.replaceAll(new RegExp(`(?<![\\w.-])${before.replaceAll('.', '\\.')}(?![\\w.-])`, 'g'), next)
}

/**
 * The changelog with *Unreleased* as the section of a version, without its empty headings, and a new *Unreleased* above.
 * @param day as 2026-01-31
 * @throws TypeError where nothing stands under Unreleased
 */
export function withRelease(changelog: string, version: string, day: string): string {
  const start = changelog.indexOf('## Unreleased')
  if (start < 0) throw new TypeError('CHANGELOG.md has no section "## Unreleased"')
  const from = start + '## Unreleased'.length
  const next = changelog.indexOf('\n## ', from)
  const end = next < 0 ? changelog.length : next
  const said = changelog
    .slice(from, end)
    .split(/^(?=### )/m)
    .filter(section => section.trim() !== '' && !/^### \w+\s*$/.test(section.trim()))
    .join('')
  if (said === '')
    throw new TypeError('nothing stands under "## Unreleased" in CHANGELOG.md: what would be released?')
  const empty = ['Added', 'Changed', 'Fixed', 'Security'].map(kind => `### ${kind}\n`).join('\n')
  const released = `## ${version} (${day})\n\n${said.trim()}\n`
  return `${changelog.slice(0, start)}## Unreleased\n\n${empty}\n${released}${changelog.slice(end)}`
}

function release(root: string, next: string): void {
  const { version: before } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  checkVersion(next, before)
  const changelog = join(root, 'CHANGELOG.md')
  const day = new Date().toISOString().slice(0, 10)
  writeFileSync(changelog, withRelease(readFileSync(changelog, 'utf8'), next, day))
  for (const file of globSync([...versionedFiles], { cwd: root })) {
    const path = join(root, file)
    writeFileSync(path, withVersion(readFileSync(path, 'utf8'), before, next))
  }
  const run = (command: string, ...rest: string[]) =>
    execFileSync(command, rest, { cwd: root, stdio: 'inherit' })
  run('npm', 'install', '--package-lock-only', '--no-audit', '--no-fund')
  run('npm', 'run', 'generate')
  console.log(`\n${before} → ${next}. Read the difference, run npm test, then:`)
  console.log(`  git commit -am "release: ${next}" && git tag -s v${next} -m "Fairlead ${next}"`)
  console.log(`  git push origin main v${next}`)
}

if (import.meta.main) {
  try {
    release(join(import.meta.dirname, '..'), process.argv[2] ?? '')
  } catch (error) {
    console.error(error instanceof TypeError ? error.message : error)
    process.exitCode = 1
  }
}
