import { posix } from 'node:path'

/** What the last stage of our Dockerfile says, as far as an image needs to know. */
export interface ImageRecipe {
  /** In order; later ones lie over earlier ones. */
  readonly copies: readonly Copy[]
  /** The RUN lines of the stages before it, in order. */
  readonly runs: readonly string[]
  /** Images that its stages start from. */
  readonly from: readonly string[]
  readonly workdir: string
  readonly user: string
  /** `KEY=value` */
  readonly env: readonly string[]
  readonly labels: Readonly<Record<string, string>>
  readonly entrypoint: readonly string[]
}

export interface Copy {
  /** The stage it comes from; absent: the build context. */
  readonly stage?: string
  readonly sources: readonly string[]
  /** From the image's root, with a slash at its beginning; a folder to copy into if it ends with one too. */
  readonly target: string
}

/**
 * Reads the few instructions that our Dockerfile uses and refuses all others, so that nothing in it can be without
 * effect on the image that is made here (https://docs.docker.com/reference/dockerfile/).
 * @throws TypeError that quotes the line
 */
export function readDockerfile(text: string): ImageRecipe {
  const from: string[] = []
  const runs: string[] = []
  const args = new Map<string, string>()
  let stage = emptyStage()
  for (const line of instructions(text)) {
    const [, name = '', rest = ''] = /^(\S+)\s+(.*)$/.exec(line) ?? []
    switch (name) {
      case 'ARG':
        // Without a value: the one from before the first FROM is known in this stage too.
        if (rest.includes('=')) args.set(...pair(rest))
        break
      case 'FROM':
        from.push(filled(rest.split(' ')[0]!, args))
        stage = emptyStage()
        break
      case 'RUN':
        runs.push(rest)
        stage.runs += 1
        break
      case 'COPY':
        stage.copies.push(readCopy(rest, stage.workdir))
        break
      case 'WORKDIR':
        stage.workdir = rest
        break
      case 'USER':
        stage.user = rest
        break
      case 'ENV':
        stage.env.push(pair(filled(rest, args)).join('='))
        break
      case 'LABEL':
        Object.assign(stage.labels, Object.fromEntries([pair(rest)]))
        break
      case 'ENTRYPOINT':
        stage.entrypoint = JSON.parse(rest)
        break
      default:
        throw new TypeError(`the Dockerfile says what image/dockerfile.ts doesn't know: ${line}`)
    }
  }
  if (stage.runs > 0) throw new TypeError("the Dockerfile's last stage has a RUN: it can have no shell")
  return { ...stage, from, runs }
}

const filled = (text: string, args: ReadonlyMap<string, string>): string =>
  text.replace(/\$\{(\w+)\}/g, (_, key: string) => args.get(key) ?? '')

function emptyStage() {
  return {
    copies: [] as Copy[],
    runs: 0,
    workdir: '/',
    user: '0:0',
    env: [] as string[],
    labels: {} as Record<string, string>,
    entrypoint: [] as string[],
  }
}

function instructions(text: string): string[] {
  return text
    .replace(/\\\n\s*/g, '')
    .split('\n')
    .map(line => line.trim())
    .filter(line => line !== '' && !line.startsWith('#'))
}

function pair(text: string): [string, string] {
  const [, key, value] = /^([\w.]+)=(\S+)$/.exec(text) ?? []
  if (key === undefined || value === undefined) throw new TypeError(`the Dockerfile: no KEY=value: ${text}`)
  return [key, value]
}

function readCopy(text: string, workdir: string): Copy {
  const words = text.split(/\s+/)
  const stage = /^--from=(\w+)$/.exec(words[0]!)?.[1]
  const paths = stage === undefined ? words : words.slice(1)
  const flag = paths.find(path => path.startsWith('--'))
  if (flag !== undefined)
    throw new TypeError(`the Dockerfile: COPY ${flag} isn't known to image/dockerfile.ts`)
  const last = paths.at(-1)!
  const target = posix.resolve(workdir, last) + (last.endsWith('/') ? '/' : '')
  return { ...(stage !== undefined && { stage }), sources: paths.slice(0, -1), target }
}
