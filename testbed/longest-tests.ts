/** Test files that take longest beside the cluster's, from the root: half a minute and more. They begin before shorter ones. */
export const longestTests: readonly string[] = [
  'testbed/cluster/operations-pages.test.ts',
  'standalone/start.test.ts',
  'testbed/console/journeys.test.ts',
  'testbed/console/settings.test.ts',
  'testbed/hostile/hostile.test.ts',
  'operator/kubernetes/life-cycle.test.ts',
  'testbed/kube/chart.test.ts',
  'services/store/project/project.test.ts',
  'services/api/isolation.test.ts',
  'services/api/every-write.test.ts',
  'services/api/fuzz.test.ts',
  'services/api/schemathesis.test.ts',
  'testbed/traces.test.ts',
  'operator/kubernetes/delivering.test.ts',
  'services/api/auth/role-walk.test.ts',
]
