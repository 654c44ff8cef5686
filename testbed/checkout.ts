import { execFile } from 'node:child_process'
import { mkdir, readdir, readlink, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { scratchFolder } from './scratch.ts'

const run = promisify(execFile)
const root = join(import.meta.dirname, '..')

/** Another commit of this repository, ready to run. */
export interface Checkout extends AsyncDisposable {
  readonly path: string
  readonly commit: string
}

/** How far back a commit that loads is looked for. */
const mostCommits = 30

/**
 * The newest commit before the last change of `path` in which these modules load: what doesn't load was never deployed.
 * Where history doesn't reach that far, as in a shallow clone, the current commit.
 * @param modules from the checkout's root
 */
export async function checkOutBefore(path: string, modules: readonly string[]): Promise<Checkout> {
  const git = async (...args: string[]) => (await run('git', args, { cwd: root })).stdout.trim()
  const last = await git('rev-list', '-1', 'HEAD', '--', path)
  const list = await git('rev-list', '--first-parent', `--max-count=${mostCommits}`, `${last}~1`).catch(
    () => '',
  )
  for (const commit of [...list.split('\n').filter(Boolean), await git('rev-parse', 'HEAD')]) {
    await using cleanup = new AsyncDisposableStack()
    const checkout = cleanup.use(await checkOut(commit))
    if (!(await loads(checkout.path, modules))) continue
    cleanup.move()
    return checkout
  }
  throw new Error(`in none of the ${mostCommits} commits before ${last} do ${modules.join(', ')} load`)
}

async function loads(checkout: string, modules: readonly string[]): Promise<boolean> {
  const program = modules.map(module => `await import('./${module}')`).join('\n')
  const args = ['--input-type=module', '--eval', `${program}\nprocess.exit(0)`]
  return await run(process.execPath, args, { cwd: checkout }).then(
    () => true,
    () => false,
  )
}

/**
 * Checks a commit out beside this one. Its packages import each other; everything else comes from this checkout's
 * node_modules, so a commit with other dependencies than today's may not run.
 */
async function checkOut(commit: string): Promise<Checkout> {
  await using cleanup = new AsyncDisposableStack()
  const folder = cleanup.use(await scratchFolder()).path
  const path = join(folder, 'checkout')
  await run('git', ['worktree', 'add', '--detach', path, commit], { cwd: root })
  cleanup.defer(async () => {
    await run('git', ['worktree', 'remove', '--force', path], { cwd: root })
  })
  await mkdir(join(path, 'node_modules', '@fairlead'), { recursive: true })
  for (const name of await readdir(join(root, 'node_modules'))) {
    if (name === '@fairlead') continue
    await symlink(join(root, 'node_modules', name), join(path, 'node_modules', name))
  }
  for (const name of await readdir(join(root, 'node_modules', '@fairlead'))) {
    // npm's links are relative: in the other checkout they lead to its own workspaces.
    const target = await readlink(join(root, 'node_modules', '@fairlead', name))
    await symlink(target, join(path, 'node_modules', '@fairlead', name))
  }
  const held = cleanup.move()
  return { path, commit, [Symbol.asyncDispose]: () => held.disposeAsync() }
}
