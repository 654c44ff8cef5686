import { describe } from 'vitest'
import { endToEnd } from './end-to-end.ts'
import { whyNoCluster } from './probe.ts'

const reason = await whyNoCluster()
if (reason && process.env.CI) throw new Error(`this machine can't host a cluster: ${reason}`)

describe.skipIf(reason)(
  reason ? `the chart in a cluster (none here: ${reason})` : 'the chart in a cluster',
  () => endToEnd({ apiServerAwayMs: 20_000, perSecond: 25 }),
)
