import { execFile } from 'node:child_process'
import { access, mkdir, rename, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const version = 'v1.9.4'

/**
 * The path of grpcurl, built from its Go module into the cache the first time (half a minute on an idle machine; Go must be there).
 * A build that was stopped leaves nothing that looks finished.
 */
export async function findGrpcurl(): Promise<string> {
  const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'fairlead')
  const folder = join(cache, `grpcurl-${version}`)
  const program = join(folder, 'grpcurl')
  if (await exists(program)) return program
  const partial = join(cache, `grpcurl-${version}.partial-${process.pid}`)
  await mkdir(partial, { recursive: true })
  try {
    await promisify(execFile)('go', ['install', `github.com/fullstorydev/grpcurl/cmd/grpcurl@${version}`], {
      env: { ...process.env, GOBIN: partial },
    })
    await rename(partial, folder).catch(async error => {
      // Someone else was faster.
      if (!(await exists(program))) throw error
    })
  } finally {
    await rm(partial, { recursive: true, force: true })
  }
  return program
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
