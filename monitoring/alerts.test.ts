import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { findNewestPromtool, findPromtool } from '@fairlead/testbed/prometheus'
import { scratchFolder } from '@fairlead/testbed/scratch'
import { expect, test } from 'vitest'
import { allAlerts } from './alerts/all.ts'
import { ruleFileOf, rulesFile } from './alerts/rules-file.ts'
import { alertCases } from './fixtures/alert-cases.ts'
import { parseSeries, promtoolTests } from './fixtures/promtool-cases.ts'
import { readMetrics } from './registries.ts'

test('each alert has a case in which it fires, and one in which it does not', () => {
  const lacking = allAlerts.filter(({ name }) => {
    const cases = alertCases[name] ?? []
    return !cases.some(({ firing }) => firing > 0) || !cases.some(({ firing }) => firing === 0)
  })
  expect(lacking.map(({ name }) => name)).toEqual([])
  const known = new Set<string>(allAlerts.map(({ name }) => name))
  expect(Object.keys(alertCases).filter(name => !known.has(name))).toEqual([])
})

test.each([
  ['the distribution’s', findPromtool],
  ['the newest', findNewestPromtool],
])(
  'each alert fires on series that the parts have, names its namespace, and is quiet beside them, by %s promtool',
  async (_release, find) => {
    const promtool = await find()
    await using folder = await scratchFolder()
    await writeFile(join(folder.path, 'all.yaml'), rulesFile())
    expect(await promtool(['check', 'rules', 'all.yaml'], folder.path)).toContain('SUCCESS')
    for (const alert of allAlerts) {
      const rules = `${alert.name}.yaml`
      await writeFile(join(folder.path, rules), ruleFileOf(alert))
      const cases = await promtoolTests(rules, alert.name, alertCases[alert.name] ?? [])
      await writeFile(join(folder.path, `${alert.name}.test.yaml`), cases)
    }
    const files = allAlerts.map(({ name }) => `${name}.test.yaml`)
    const said = await promtool(['test', 'rules', ...files], folder.path).catch(
      (error: { stdout: string; stderr: string }) => `${error.stdout}\n${error.stderr}`,
    )
    expect(said.replaceAll(/(?:Unit Testing|Processing test file): .*\n\s*SUCCESS\n/g, '').trim()).toBe('')
  },
  400_000,
)

test('a case with a series that no part has is refused: a bucket or an outcome that does not exist', async () => {
  const metrics = await readMetrics()
  const parse = (text: string) => () => parseSeries(text, metrics)
  expect(parse('fairlead_event_accept_seconds_bucket{le="2.5"}')).toThrow('its buckets are')
  expect(parse('fairlead_attempts_total{outcome="timed_out"}')).toThrow('outcome is one of')
  expect(parse('fairlead_attempts_total{destination="app"}')).toThrow('no label destination')
  expect(parse('fairlead_attempt_total')).toThrow('no part has a metric')
})
