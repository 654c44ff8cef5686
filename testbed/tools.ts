import { findComposeLoader } from '@fairlead/image/fixtures/compose'
import { buildConsole } from '@fairlead/servers/console'
import { findNats } from '@fairlead/servers/nats'
import { findRedis } from '@fairlead/servers/redis'
import type { Progress } from '@fairlead/servers/search'
import { findRuntimes } from '@fairlead/webhook/fixtures/runtimes'
import { findSdks } from '@fairlead/webhook/fixtures/sdks'
import type { Reporter, TestSpecification } from 'vitest/node'
import { findActionlint } from './actionlint.ts'
import { findChromium } from './chromium.ts'
import { findDebianTools } from './cluster/images/debian-tools.ts'
import { whyNoCluster } from './cluster/probe.ts'
import { findRuntime } from './cluster/runtime.ts'
import { findGrpcurl } from './grpcurl.ts'
import { findHelmProgram } from './kube/helm.ts'
import { findKubePrograms, findNodePrograms } from './kube/programs.ts'
import { modulesOf } from './modules-of.ts'
import { findNewestPrometheus } from './newest-prometheus.ts'
import { findBoth } from './prometheus.ts'
import { findSchemathesis } from './schemathesis/schemathesis.ts'
import { findValgrind } from './valgrind.ts'

/** A tool is needed by every test file that imports one of its modules, be it by way of others. */
interface Tool {
  readonly modules: readonly string[]
  readonly find: (progress: Progress) => Promise<unknown>
}

/** It starts a process that finds these two itself. */
const standalone = 'testbed/standalone.ts'

/** Compiled here: one after the other, because each takes all cores and the next one needs much of the same. */
const built: readonly Tool[] = [
  { modules: ['servers/nats.ts', standalone], find: findNats },
  { modules: ['testbed/kube/programs.ts'], find: findKubePrograms },
  { modules: ['testbed/kube/helm.ts'], find: findHelmProgram },
  { modules: ['testbed/cluster/cluster.ts'], find: whereClustersRun(findNodePrograms) },
  { modules: ['testbed/grpcurl.ts'], find: findGrpcurl },
  { modules: ['testbed/actionlint.ts'], find: findActionlint },
  { modules: ['image/fixtures/compose.ts'], find: findComposeLoader },
  {
    modules: ['testbed/newest-prometheus.ts'],
    find: progress => findNewestPrometheus('promtool', progress),
  },
]

/** Fetched ready-made, meanwhile. */
const fetched: readonly Tool[] = [
  { modules: ['servers/redis.ts', standalone], find: findRedis },
  { modules: ['testbed/chromium.ts'], find: findChromium },
  { modules: ['servers/console.ts'], find: buildConsole },
  { modules: ['testbed/valgrind.ts'], find: findValgrind },
  { modules: ['testbed/schemathesis/schemathesis.ts'], find: findSchemathesis },
  { modules: ['testbed/prometheus.ts'], find: findBoth },
  { modules: ['testbed/cluster/runtime.ts'], find: whereClustersRun(findRuntime) },
  { modules: ['testbed/cluster/images/debian-tools.ts'], find: whereClustersRun(findDebianTools) },
  { modules: ['packages/webhook/fixtures/runtimes.ts'], find: findRuntimes },
  { modules: ['packages/webhook/fixtures/sdks.ts'], find: findSdks },
]

/**
 * Gets what the test files of this run need before any test's time-out runs. On a new machine that takes minutes. A tool
 * that isn't to be had is named here, and the tests that need it fail and say so too.
 */
export default class ToolsFirst implements Reporter {
  async onTestRunStart(specifications: readonly TestSpecification[]): Promise<void> {
    const modules = modulesOf(specifications.map(({ moduleId }) => moduleId))
    await Promise.all(
      [built, fetched].map(tools =>
        findInTurn(tools.filter(tool => tool.modules.some(module => modules.has(module)))),
      ),
    )
  }
}

/** Elsewhere the tests of clusters aren't run, or fail, before they need anything. */
function whereClustersRun(find: Tool['find']): Tool['find'] {
  return async progress => ((await whyNoCluster()) === undefined ? await find(progress) : undefined)
}

async function findInTurn(tools: readonly Tool[]): Promise<void> {
  for (const { modules, find } of tools) {
    await find(console.log).catch((error: unknown) => console.error(`${modules[0]}: ${error}`))
  }
}
