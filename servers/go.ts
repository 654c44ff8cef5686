import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const run = promisify(execFile)

/**
 * How every program of ours that comes as a Go module is built: as one static file, by the machine's Go as it is, which
 * may not fetch another one of itself. All have the same settings, because Go keeps a compiled package for each set of
 * them: what one program has compiled, the next one needn't.
 */
const environment = { GOTOOLCHAIN: 'local', CGO_ENABLED: '0', GOFLAGS: '' }
const settings = (ldflags = '') => ['-trimpath', '-ldflags', `-s -w ${ldflags}`.trim()]

/** `go version` in a word, such as `go1.26.8`; undefined where there is no Go. */
export async function goVersion(): Promise<string | undefined> {
  return run('go', ['version']).then(
    ({ stdout }) => stdout.split(' ')[2],
    () => undefined,
  )
}

/**
 * Builds a program whose go.mod has no `replace`: it stands on its own, and Go's checksum database vouches for it.
 * @param program such as `example.com/cmd/thing@v1.2.3`
 * @param program several of one module and version share what they compile
 * @param into the folder that gets the program
 * @param tags of the build, comma-separated
 * @throws Error with what Go says
 */
export function goInstall(program: string | readonly string[], into: string, tags = ''): Promise<void> {
  return go(['install', ...settings(), '-tags', tags, ...[program].flat()], '/', { GOBIN: into })
}

/**
 * Builds programs by a go.mod and go.sum of ours, which are complete: the same bytes come out everywhere.
 * @param module the folder of go.mod
 * @param packages what to build; several at once, so that one links while the next one compiles
 * @param into the folder that gets the programs, each under the last word of its package's path
 * @throws Error with what Go says
 */
export function goBuild(
  module: string,
  packages: readonly string[],
  into: string,
  ldflags?: string,
): Promise<void> {
  return go(['build', '-mod=readonly', ...settings(ldflags), '-o', `${into}/`, ...packages], module)
}

async function go(args: readonly string[], cwd: string, more: Readonly<Record<string, string>> = {}) {
  const env = { ...process.env, ...environment, ...more }
  try {
    // Minutes on all cores: whatever else runs on the machine goes first.
    await run('nice', ['go', ...args], { cwd, env, maxBuffer: 16 * 1024 * 1024 })
  } catch (cause) {
    if ((await goVersion()) === undefined) {
      throw new Error('Go 1.26 or newer is not on the PATH: install it (https://go.dev/dl)', { cause })
    }
    const { stderr = '' } = cause as { stderr?: string }
    // What it says about downloads comes first, the reason last.
    throw new Error(`go ${args[0]} failed: ${stderr.trim().split('\n').slice(-5).join('\n') || cause}`, {
      cause,
    })
  }
}
