import { freePort } from '@fairlead/servers/processes'
import { testEncryptionKeys } from './configuration.ts'
import { startService } from './service.ts'
import { until } from './until.ts'

/** A receiver, a process of its own. Without Redis: repeats are known to JetStream alone. */
export interface TestReceiver extends AsyncDisposable {
  /** `http://127.0.0.1:<port>` */
  readonly url: string
  readonly pid: number
}

/** Starts a receiver, and waits until it answers. */
export async function startTestReceiver(options: {
  readonly natsUrl: string
  readonly logFolder: string
  /** Beside what it needs. */
  readonly env?: Readonly<Record<string, string>>
}): Promise<TestReceiver> {
  const port = await freePort()
  const service = startService({
    name: 'receiver',
    main: 'services/receiver/main.ts',
    logFolder: options.logFolder,
    env: {
      FAIRLEAD_NATS_URL: options.natsUrl,
      FAIRLEAD_ENCRYPTION_KEYS: testEncryptionKeys,
      FAIRLEAD_RECEIVER_PORT: String(port),
      FAIRLEAD_RECEIVER_HOST: '127.0.0.1',
      ...options.env,
    },
  })
  const url = `http://127.0.0.1:${port}`
  const answers = () =>
    fetch(url).then(
      () => true,
      () => false,
    )
  await until(answers, { deadlineMs: 60_000, what: 'the receiver' }).catch(async (cause: Error) => {
    const output = await service.output()
    await service[Symbol.asyncDispose]()
    throw new Error(`${cause.message}; it logged:\n${output}`, { cause })
  })
  return { url, pid: service.pid, [Symbol.asyncDispose]: () => service[Symbol.asyncDispose]() }
}
