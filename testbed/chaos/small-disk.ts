import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { scratchFolder } from '../scratch.ts'

const run = promisify(execFile)

/** A file system of one's own that can be made full: a tmpfs, which only root may mount. */
export interface SmallDisk extends AsyncDisposable {
  readonly path: string
  /** From now on no write finds room. */
  fill(): Promise<void>
  empty(): Promise<void>
}

/** More than a test writes; a tmpfs takes only the memory that is used. */
const roomyMib = 16 * 1024

/** Undefined where this process may not mount anything. */
export async function mountSmallDisk(): Promise<SmallDisk | undefined> {
  await using cleanup = new AsyncDisposableStack()
  const { path } = cleanup.use(await scratchFolder())
  const resize = (size: string) => run('mount', ['-o', `remount,size=${size}`, path])
  try {
    await run('mount', ['-t', 'tmpfs', '-o', `size=${roomyMib}m,mode=755`, 'tmpfs', path])
  } catch {
    return undefined
  }
  cleanup.defer(async () => {
    // Lazily, because a process that is just ending may still have a file open.
    await run('umount', ['--lazy', path])
  })
  const held = cleanup.move()
  return {
    path,
    async fill() {
      // As small as what lies in it: the kernel refuses less (and mount then says "not mounted or bad option"). Each time
      // that it grew meanwhile it is given more room, which is full in a moment too.
      for (let attempt = 1; ; attempt++) {
        const { stdout } = await run('df', ['--block-size=1K', '--output=used', path])
        try {
          await resize(`${Number(stdout.trim().split('\n').at(-1)) + 4 * attempt ** 2}k`)
          return
        } catch (error) {
          if (attempt === 20) throw error
        }
      }
    },
    async empty() {
      await resize(`${roomyMib}m`)
    },
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  }
}
