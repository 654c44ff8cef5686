import { expect, test } from 'vitest'
import { currentStructurePage, structurePage, writtenStructurePage } from './structure-page.ts'

test('docs/structure.md shows imports that are no longer there', () => {
  expect(writtenStructurePage(), 'run npm run generate').toBe(currentStructurePage())
})

test('arrows and files of parts and rooms are shown, without tests', () => {
  const workspace = (folder: string) => ({
    folder,
    name: `@fairlead/${folder.split('/').at(-1)}`,
    dependencies: [],
    devDependencies: [],
  })
  const page = structurePage(
    [workspace('packages/wire'), workspace('services/worker')],
    [
      { path: 'packages/wire/event.ts', text: '' },
      { path: 'services/worker/main.ts', text: "import { lane } from './lanes/lane.ts'" },
      { path: 'services/worker/lanes/lane.ts', text: "import { e } from '@fairlead/wire/event'" },
      { path: 'services/worker/lanes/lane.test.ts', text: "import { m } from '../main.ts'" },
    ],
  )
  expect(page).toContain('services_worker["services/worker"] --> packages_wire["packages/wire"]')
  expect(page).toContain('| (top) | main | lanes |\n| lanes | lane | – |')
})
