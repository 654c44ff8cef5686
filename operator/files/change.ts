import { type FSWatcher, watch } from 'node:fs'

/** Tells of changes in a folder. What happens between two `next` isn't lost. */
export interface FolderChanges extends Disposable {
  /** Resolves when something changed, after `withinMs` at the latest, or when the signal aborts. Never rejects. */
  next(withinMs: number): Promise<void>
}

/** So long nothing more must happen after a change: an editor writes a file in several steps. */
const quietMs = 100

/**
 * Watches a folder. What a watch can miss (a folder that is mounted anew, network file systems) is found by whoever
 * reads the folder every `withinMs`.
 */
export function watchFolder(folder: string, signal: AbortSignal): FolderChanges {
  let watcher: FSWatcher | undefined
  let changed = false
  let wake: (() => void) | undefined
  let quiet: NodeJS.Timeout | undefined

  function onChange(): void {
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
          // A folder that was put in the place of another says nothing: watch it anew.
          close()
          open()
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
    },
    [Symbol.dispose]() {
      clearTimeout(quiet)
      close()
    },
  }
}
