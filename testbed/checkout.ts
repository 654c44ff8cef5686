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

/**
 * The commit before the one that last changed a path; the current commit where history doesn't reach that far, as in a
 * shallow clone.
 */
export async function commitBefore(path: string): Promise<string> {
  const git = async (...args: string[]) => (await run('git', args, { cwd: root })).stdout.trim()
  const last = await git('rev-list', '-1', 'HEAD', '--', path)
  return await git('rev-parse', '--verify', '--quiet', `${last}~1`).catch(() => git('rev-parse', 'HEAD'))
}

/**
 * Checks a commit out beside this one. Its packages import each other; everything else comes from this checkout's
 * node_modules, so a commit with other dependencies than today's may not run.
 */
export async function checkOut(commit: string): Promise<Checkout> {
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
