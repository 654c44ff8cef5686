import { argon2, randomBytes, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import { openTurns, TurnError } from '@fairlead/daemon/turns'
import { ApiError } from '../../problem.ts'
import { normalForm } from './password-rules.ts'

/**
 * Digests of passwords by argon2id, as PHC strings. Each takes 19 MiB and some 60 ms of a thread that is not the event loop's, so few
 * are made at one time, and networks take turns: a flood of tries costs others a wait, and the process neither memory nor its loop.
 */
export interface PasswordDigests {
  /** @param network whose turn it takes. Throws an ApiError `rate_limited`. */
  make(password: string, network: string): Promise<string>
  /**
   * Whether a password is the one of a digest. Takes as long where there is none, and answers false. Throws an ApiError `rate_limited`.
   */
  isOf(password: string, digest: string | undefined, network: string): Promise<boolean>
}

/** OWASP's second choice: m=19 MiB, t=2, p=1 (https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html#argon2id). */
const present = { memory: 19_456, passes: 2, parallelism: 1 }
const saltBytes = 16
const tagBytes = 32

/** Digests made at one time: half of libuv's threads, so that names are resolved and files read meanwhile. */
const atOnce = 2
/** How long one may wait for its turn, ms, and how many of a network wait. */
const waitMs = 5_000
const mostWaiting = 16

interface Parameters {
  readonly memory: number
  readonly passes: number
  readonly parallelism: number
}

interface Digest {
  readonly parameters: Parameters
  readonly salt: Buffer
  readonly tag: Buffer
}

export function openPasswordDigests(): PasswordDigests {
  const turns = openTurns<string>({ places: atOnce, mostOfOne: () => atOnce, waitMs, mostWaiting })
  // Compared with where there is no digest: nobody's password leads to it.
  const nobodys: Digest = { parameters: present, salt: randomBytes(saltBytes), tag: randomBytes(tagBytes) }

  async function tagOf(password: string, { parameters, salt, tag }: Digest, network: string) {
    using _turn = await turns.take(network).catch(refuse)
    return await derive('argon2id', {
      message: Buffer.from(normalForm(password)),
      nonce: salt,
      tagLength: tag.length,
      ...parameters,
    })
  }

  return {
    async make(password, network) {
      const empty = { parameters: present, salt: randomBytes(saltBytes), tag: Buffer.alloc(tagBytes) }
      return write({ ...empty, tag: await tagOf(password, empty, network) })
    },
    async isOf(password, text, network) {
      const digest = text === undefined ? undefined : read(text)
      const wanted = digest ?? nobodys
      const isSame = timingSafeEqual(wanted.tag, await tagOf(password, wanted, network))
      return isSame && digest !== undefined
    },
  }
}

/** Whether a digest was made with other parameters than are used now: its password is hashed again when it is next proved. */
export function isOutdated(text: string): boolean {
  const { parameters } = read(text)
  return (
    parameters.memory !== present.memory ||
    parameters.passes !== present.passes ||
    parameters.parallelism !== present.parallelism
  )
}

const derive = promisify(argon2)

function refuse(error: unknown): never {
  if (!(error instanceof TurnError)) throw error
  const detail = 'Too many passwords are being checked; try again after `Retry-After` seconds.'
  throw new ApiError('rate_limited', detail, { cause: error, retryAfterSeconds: 2 })
}

/** https://github.com/P-H-C/phc-string-format/blob/master/phc-sf-spec.md */
function write({ parameters: { memory, passes, parallelism }, salt, tag }: Digest): string {
  const text = (bytes: Buffer) => bytes.toString('base64').replaceAll('=', '')
  return `$argon2id$v=19$m=${memory},t=${passes},p=${parallelism}$${text(salt)}$${text(tag)}`
}

/** Throws a TypeError for what is no digest of ours: the store keeps no other. */
function read(text: string): Digest {
  const [, memory, passes, parallelism, salt, tag] =
    /^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{16,86})$/.exec(
      text,
    ) ?? []
  if (!salt || !tag) throw new TypeError('this is no digest of argon2id')
  return {
    parameters: { memory: Number(memory), passes: Number(passes), parallelism: Number(parallelism) },
    salt: Buffer.from(salt, 'base64'),
    tag: Buffer.from(tag, 'base64'),
  }
}
