import { type FSWatcher, watch } from 'node:fs'

/** Reports changes in a folder. A change between two calls of `next` isn't lost. */
export interface FolderChanges extends Disposable {
  /**
   * Resolves when something changed, after `withinMs` at the latest, or when the signal aborts. Never rejects. Answers with
   * the names of the files that changed; undefined: any may have.
   */
  next(withinMs: number): Promise<ReadonlySet<string> | undefined>
}

/** How long no further change must follow a change, ms: an editor writes a file in several steps. */
const quietMs = 100

/**
 * Watches a folder. A watch can miss changes (a folder that is mounted anew, network file systems), so the caller reads
 * the folder every `withinMs`.
 */
export function watchFolder(folder: string, signal: AbortSignal): FolderChanges {
  let watcher: FSWatcher | undefined
  let changed = false
  /** Undefined: something that has no name changed. */
  let names: Set<string> | undefined = new Set()
  let wake: (() => void) | undefined
  let quiet: NodeJS.Timeout | undefined

  function onChange(_: string, name: string | null): void {
    // Behind links whose names begin with a dot are the files of a mounted ConfigMap.
    if (name === null || name.startsWith('.')) names = undefined
    else names?.add(name)
    clearTimeout(quiet)
    quiet = setTimeout(() => {
      changed = true
      wake?.()
    }, quietMs)
  }

  /** The folder may not be there yet, or be another one by now: looked at anew each time. */
  function open(): void {
    if (watcher) return
    try {
      watcher = watch(folder, onChange)
      watcher.on('error', close)
      watcher.on('close', () => {
        watcher = undefined
      })
    } catch {
      watcher = undefined
    }
  }

  function close(): void {
    watcher?.close()
    watcher = undefined
  }

  open()
  return {
    async next(withinMs) {
      open()
      if (!changed && !signal.aborted) {
        const { promise, resolve } = Promise.withResolvers<void>()
        const timer = setTimeout(() => {
          // A folder that replaced another causes no event: it is watched anew.
          close()
          open()
          names = undefined
          resolve()
        }, withinMs)
        wake = () => resolve()
        signal.addEventListener('abort', wake, { once: true })
        await promise
        signal.removeEventListener('abort', wake)
        clearTimeout(timer)
        wake = undefined
      }
      changed = false
      const told = names
      names = new Set()
      return told
    },
    [Symbol.dispose]() {
      clearTimeout(quiet)
      close()
    },
  }
}
