import type { Run } from '@fairlead/daemon/run'
import type { OperatorConfig } from './config.ts'
import { runFiles } from './files/run-files.ts'
import { runKubernetes } from './kubernetes/run-kubernetes.ts'

/** Runs the operator: from a folder of files, or from the Kubernetes API. */
export const run: Run<OperatorConfig> = async (config, signal, daemon) => {
  const { FAIRLEAD_ORGANIZATIONS } = config
  if (FAIRLEAD_ORGANIZATIONS === undefined) await runKubernetes(config, signal, daemon)
  else await runFiles({ ...config, FAIRLEAD_ORGANIZATIONS }, signal, daemon)
}
