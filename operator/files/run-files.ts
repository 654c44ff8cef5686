import { join } from 'node:path'
import type { Log } from '@fairlead/daemon/log'
import type { Daemon } from '@fairlead/daemon/run'
import { OwnerKind } from '@fairlead/wire/store/organization'
import { connectStore } from '@fairlead/wire/store-client'
import type { OperatorConfig } from '../config.ts'
import { openOperatorMetrics } from '../metrics.ts'
import { logReport, openOrganizationQueue } from '../organization-queue.ts'
import { type OwnedRows, openOwnedRows } from '../store-rows.ts'
import { openOperatorTraces } from '../traces.ts'
import { type AbsencePeriods, absenceNews, absencePeriods, restartAbsences } from './absence.ts'
import { watchFolder } from './change.ts'
import { type DeclaredFiles, openDeclaredFiles } from './declared-files.ts'
import { emptyFolder, type FolderState, mergeFolder } from './merge.ts'
import { textOfFault } from './parse.ts'
import { openParsedFiles } from './parsed-files.ts'
import { type FileStamps, type FolderTexts, readFolder } from './read-folder.ts'
import { openTenantSecrets } from './tenant-secrets.ts'

/** How often the folder is looked at when nothing tells of a change, ms; larger ones less often, 2 ms for each file. */
const rescanMs = 10_000
const rescanEachMs = 2
/** How often it is read while something is open: the store is away, or a document absent. Ms. */
const lookAgainMs = 1_000

/**
 * Keeps the store equal to a folder of files, until the signal aborts. A change takes effect within a second. A faulty
 * file is reported in the log and keeps its last good state. An Organization whose document is absent stays in force, is
 * reported, and is deleted in the end; but never while a file can't be read, and never because the folder itself is gone
 * or empty.
 */
export async function runFiles(
  config: OperatorConfig & { readonly FAIRLEAD_ORGANIZATIONS: string },
  signal: AbortSignal,
  { log, registry, health }: Daemon,
  periods: AbsencePeriods = absencePeriods,
): Promise<void> {
  const folder = config.FAIRLEAD_ORGANIZATIONS
  const metrics = openOperatorMetrics(registry)
  metrics.leader(true)
  await using traces = (await openOperatorTraces(config, registry)) ?? null
  await using store = connectStore(config.FAIRLEAD_STORE_URL, {
    token: config.FAIRLEAD_STORE_TOKEN,
    traced: traces?.calls,
  })
  const rows = openOwnedRows(store, OwnerKind.FILE)
  const tenantSecrets = openTenantSecrets(join(config.FAIRLEAD_HOME, 'secrets'))
  const files = openDeclaredFiles(tenantSecrets, {
    onReport: (key, status, before) => logReport(log, key, status, before),
    onRelease: key => log.info({ organization: key }, 'organization.deleted'),
  })
  await using queue = openOrganizationQueue({
    config,
    log,
    metrics,
    rows,
    organizations: files,
    traces: traces ?? undefined,
  })
  using changes = watchFolder(folder, signal)
  const parsed = openParsedFiles(join(config.FAIRLEAD_HOME, 'declared.jsonl'))
  let state = emptyFolder
  /** Whether it is known which Organizations the store has from files. */
  let listed = false
  let told: readonly string[] = []
  let toldNotTaken: readonly string[] = []
  let looked = false
  let stamps: FileStamps = new Map()
  let changed: ReadonlySet<string> | undefined
  using _check = health.check('organizations', () => {
    if (!looked) return told[0] ?? 'the folder was not read yet'
    const open = [...state.organizations.keys()].filter(key => !files.statuses.has(key))
    return open.length > 0 ? `${open.length} not reconciled yet` : undefined
  })

  /** Reads what changed, and gives the queue the Organizations that differ. */
  async function look(): Promise<void> {
    listed ||= await rememberStored(rows, files, log)
    if (changed === undefined) await tenantSecrets.look()
    const texts = await readTexts(folder, stamps, changed)
    if (typeof texts !== 'string') await parsed.prepare(texts)
    // Of the time that passed: a clock that is set, or a machine that slept, deletes nothing.
    const nowMs = performance.now()
    // A file is good only once the slugs that the store has given are known.
    const found =
      typeof texts === 'string'
        ? { ...state, absent: restartAbsences(state.absent, nowMs) }
        : mergeFolder(listed ? state : emptyFolder, texts, files.slugs, nowMs, periods, parsed.parse)
    told = tell(log, told, typeof texts === 'string' ? [texts] : found.faults.map(textOfFault))
    metrics.fileFaults(told.length)
    toldNotTaken = tellNotTaken(log, toldNotTaken, found)
    if (listed) {
      tellAbsences(log, state, found, periods)
      state = found
      if (typeof texts !== 'string') {
        looked = true
        for (const key of files.update(state)) queue.add(key)
      }
    }
  }

  while (!signal.aborted) {
    await look()
    const isOpen = !listed || state.unsettled
    if (listed) await parsed.keep()
    // Nothing was kept of what was read: it is read again.
    if (!listed) stamps = new Map()
    const calmMs = Math.max(rescanMs, state.files.size * rescanEachMs)
    changed = await changes.next(isOpen ? Math.min(lookAgainMs, periods.tellAfterMs) : calmMs)
  }
}

/** Whether the store could be asked. */
async function rememberStored(rows: OwnedRows, files: DeclaredFiles, log: Log): Promise<boolean> {
  try {
    files.remember(await rows.list())
    return true
  } catch (err) {
    log.warn({ err }, 'store.unavailable')
    return false
  }
}

/** What the folder holds, or a sentence why that doesn't count: what looks like a folder that isn't mounted. */
async function readTexts(
  folder: string,
  stamps: FileStamps,
  changed: ReadonlySet<string> | undefined,
): Promise<FolderTexts | string> {
  try {
    const texts = await readFolder(folder, stamps, changed)
    return texts.size > 0 ? texts : `${folder}: the folder holds no YAML file: everything stays as it is`
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    return `${folder}: the folder can't be read (${code}): everything stays as it is`
  }
}

/** Logs once which items of lists are passed over. */
function tellNotTaken(log: Log, before: readonly string[], { files }: FolderState): readonly string[] {
  const now = [...files.values()].flatMap(({ notTaken }) => notTaken.map(textOfFault))
  for (const detail of now) if (!before.includes(detail)) log.warn({ detail }, 'resource.passed-over')
  return now
}

/** Logs once which Organizations are missing, and which of them are declared again. */
function tellAbsences(log: Log, before: FolderState, now: FolderState, periods: AbsencePeriods): void {
  const news = absenceNews(before.absent, now.absent)
  const leftSeconds = Math.round((periods.deleteAfterMs - periods.tellAfterMs) / 1000)
  for (const organization of news.missing) {
    const detail = `no file declares it any more: it stays in force, and is deleted in ${leftSeconds} s unless it comes back or a file can't be read`
    log.warn({ organization, detail }, 'organization.missing')
  }
  for (const organization of news.back) log.info({ organization }, 'organization.back')
}

/** Logs new faults, and faults that are gone. */
function tell(log: Log, before: readonly string[], now: readonly string[]): readonly string[] {
  for (const fault of now) if (!before.includes(fault)) log.warn({ fault }, 'file.refused')
  if (before.length > 0 && now.length === 0) log.info('files.mended')
  return now
}
