import { type Flow, organizationsOf, pathOf, type Scenario } from './scenarios.ts'
import { loadSecrets } from './sign.ts'

/** The organizations of a scenario: a source for each provider, one destination, a route from everything to it. */
export const tenantsOf = (scenario: Scenario, sinkUrl: string) =>
  scenario.flows.flatMap(flow => organizationsOf(flow).map(name => tenant(name, flow, sinkUrl)))

const tenant = (name: string, flow: Flow, sinkUrl: string) => ({
  name,
  destinationUrl: `${sinkUrl}${pathOf(flow.mood)}`,
  sources: flow.providers.map(provider => ({ name: provider, provider, secret: loadSecrets[provider] })),
  // A failure is tried again while the run lasts.
  retryDelaysSeconds: [1, 2, 4, 8],
})
