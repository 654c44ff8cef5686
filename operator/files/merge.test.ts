import { expect, test } from 'vitest'
import { emptyFolder, type FolderState, mergeFolder } from './merge.ts'
import { textOfFault } from './parse.ts'
import type { FolderTexts } from './read-folder.ts'

const noSlugs = new Map<string, string>()

function anOrganization(name: string, spec = '{}'): string {
  return `apiVersion: fairlead.dev/v1alpha1\nkind: Organization\nmetadata: { name: ${name} }\nspec: ${spec}\n`
}

function folderOf(files: Record<string, string>): FolderTexts {
  return new Map(Object.entries(files).map(([name, text]) => [name, { text }]))
}

function seen(state: FolderState) {
  return {
    organizations: [...state.organizations].map(([key, { spec }]) =>
      `${key} ${spec.displayName ?? ''}`.trim(),
    ),
    faults: state.faults.map(textOfFault),
  }
}

test('a file that becomes faulty keeps its last good state', () => {
  const good = mergeFolder(
    emptyFolder,
    folderOf({ 'acme.yaml': anOrganization('acme', '{ displayName: Acme }') }),
    noSlugs,
    0,
  )
  const faulty = mergeFolder(
    good,
    folderOf({ 'acme.yaml': anOrganization('acme', '{ plan: 7 }') }),
    noSlugs,
    1,
  )
  expect(seen(faulty)).toEqual({
    organizations: ['default/acme Acme'],
    faults: ['acme.yaml:4: spec.plan: must be a text, not a number: put it in quotes'],
  })
  const mended = mergeFolder(
    faulty,
    folderOf({ 'acme.yaml': anOrganization('acme', '{ displayName: Again }') }),
    noSlugs,
    2,
  )
  expect(seen(mended)).toEqual({ organizations: ['default/acme Again'], faults: [] })
})

test('a faulty file changes nothing in other files', () => {
  const state = mergeFolder(
    emptyFolder,
    folderOf({ 'a.yaml': 'kind: [', 'b.yaml': anOrganization('globex') }),
    noSlugs,
    0,
  )
  expect(seen(state).organizations).toEqual(['default/globex'])
})

test('a file that can no longer be read keeps its last good state', () => {
  const good = mergeFolder(emptyFolder, folderOf({ 'acme.yaml': anOrganization('acme') }), noSlugs, 0)
  const state = mergeFolder(good, new Map([['acme.yaml', { fault: "can't be read: EACCES" }]]), noSlugs, 1)
  expect(seen(state)).toEqual({
    organizations: ['default/acme'],
    faults: ["acme.yaml:1: can't be read: EACCES"],
  })
})

const acme = folderOf({ 'acme.yaml': anOrganization('acme'), 'other.yaml': anOrganization('other') })
const known = new Map([
  ['default/acme', 'acme'],
  ['default/other', 'other'],
])

/** Merges the folder at each of these times; returns the state of acme at each. */
function watched(looks: readonly (readonly [atMs: number, folder: FolderTexts])[]): string[] {
  let state = mergeFolder(emptyFolder, acme, known, 0)
  return looks.map(([atMs, folder]) => {
    state = mergeFolder(state, folder, known, atMs)
    const inForce = state.organizations.has('default/acme') ? 'in force' : 'out of force'
    return `${inForce}, ${state.absent.get('default/acme')?.kind ?? 'declared'}`
  })
}

const without = folderOf({ 'other.yaml': anOrganization('other') })
const withFault = (file: string) => new Map([...without, [file, { text: 'kind: [' }]])

test.each([
  {
    name: 'a file that is away for 1.5 s deletes no tenant',
    looks: [
      [1000, without, 'in force, unsettled'],
      [2500, acme, 'in force, declared'],
    ],
  },
  {
    name: 'a file that is away for 59 s deletes no tenant',
    looks: [
      [1000, without, 'in force, unsettled'],
      [5999, without, 'in force, unsettled'],
      [6000, without, 'in force, missing'],
      [60_999, without, 'in force, missing'],
      [61_000, acme, 'in force, declared'],
    ],
  },
  {
    name: 'a file that is away for a minute is deleted',
    looks: [
      [1000, without, 'in force, unsettled'],
      [6000, without, 'in force, missing'],
      [61_000, without, 'out of force, gone'],
      [62_000, without, 'out of force, gone'],
    ],
  },
  {
    name: 'a file that is truncated while an editor writes it deletes no tenant',
    looks: [
      [1000, folderOf({ 'acme.yaml': '', 'other.yaml': anOrganization('other') }), 'in force, unsettled'],
      [1100, acme, 'in force, declared'],
    ],
  },
  {
    name: 'two short absences are not added up',
    looks: [
      [1000, without, 'in force, unsettled'],
      [5000, acme, 'in force, declared'],
      [6000, without, 'in force, unsettled'],
      [10_000, without, 'in force, unsettled'],
    ],
  },
  {
    name: 'an hour in which nobody looked deletes nothing that was never told as missing',
    looks: [
      [1000, without, 'in force, unsettled'],
      [3_600_000, without, 'in force, missing'],
    ],
  },
  {
    name: 'a file that can’t be read stops the time of all that are absent',
    looks: [
      [1000, withFault('b.yaml'), 'in force, unsettled'],
      [6000, withFault('b.yaml'), 'in force, missing'],
      [90_000, withFault('b.yaml'), 'in force, missing'],
      [91_000, without, 'in force, missing'],
      // The faulty file is missing by now, and may come back with the tenant.
      [150_000, without, 'in force, missing'],
      [170_000, without, 'in force, missing'],
      [230_000, without, 'out of force, gone'],
    ],
  },
  {
    name: 'a file that comes back half written keeps what it said before it went',
    looks: [
      [1000, without, 'in force, unsettled'],
      [2000, withFault('acme.yaml'), 'in force, declared'],
      [90_000, withFault('acme.yaml'), 'in force, declared'],
    ],
  },
] as { name: string; looks: [number, FolderTexts, string][] }[])('$name', ({ looks }) => {
  expect(watched(looks.map(([atMs, folder]) => [atMs, folder]))).toEqual(looks.map(([, , stands]) => stands))
})

test('a document that is absent when Fairlead starts is deleted only after a minute, as at other times', () => {
  const first = mergeFolder(emptyFolder, without, known, 0)
  expect(first.absent.get('default/acme')).toEqual({ kind: 'unsettled', sinceMs: 0 })
  const missing = mergeFolder(first, without, known, 5_000)
  expect(mergeFolder(missing, without, known, 60_000).absent.get('default/acme')).toEqual({ kind: 'gone' })
})

test('a Secret that is away for a moment takes no source out of force', () => {
  const secret = 'apiVersion: v1\nkind: Secret\nmetadata: { name: acme }\nstringData: { a: test-only }\n'
  const good = mergeFolder(emptyFolder, new Map([...acme, ['secret.yaml', { text: secret }]]), known, 0)
  const away = mergeFolder(good, acme, known, 1000)
  expect([[...away.secrets.keys()], away.unsettled]).toEqual([['default/acme'], true])
  const told = mergeFolder(away, acme, known, 6000)
  expect([...mergeFolder(told, acme, known, 61_000).secrets.keys()]).toEqual([])
})

test('a document that moves to another file is the same Organization', () => {
  const good = mergeFolder(emptyFolder, folderOf({ 'a.yaml': anOrganization('acme') }), noSlugs, 0)
  const moved = mergeFolder(
    good,
    folderOf({ 'b.yaml': anOrganization('acme', '{ displayName: Moved }') }),
    noSlugs,
    1,
  )
  expect(seen(moved)).toEqual({ organizations: ['default/acme Moved'], faults: [] })
})

test('a name that two files use belongs to the first file', () => {
  const state = mergeFolder(
    emptyFolder,
    folderOf({
      'b.yaml': anOrganization('acme', '{ displayName: Second }'),
      'a.yaml': anOrganization('acme', '{ displayName: First }'),
    }),
    noSlugs,
    0,
  )
  expect(seen(state)).toEqual({
    organizations: ['default/acme First'],
    faults: [
      'b.yaml:3: metadata.name: this Organization is declared already, in a.yaml:1: take one of them out',
    ],
  })
})

test('a slug that is used twice belongs to the first document, and the second is left as it is', () => {
  const state = mergeFolder(
    emptyFolder,
    folderOf({ 'a.yaml': anOrganization('acme'), 'b.yaml': anOrganization('other', '{ slug: acme }') }),
    noSlugs,
    0,
  )
  expect(seen(state)).toEqual({
    organizations: ['default/acme'],
    faults: ['b.yaml:4: spec.slug: the slug acme is taken by a.yaml:1: give another'],
  })
  expect([...state.held]).toEqual(['default/other'])
})

test('a slug can’t change, neither while running nor since the last run', () => {
  const good = mergeFolder(
    emptyFolder,
    folderOf({ 'acme.yaml': anOrganization('acme', '{ displayName: Good }') }),
    noSlugs,
    0,
  )
  const renamed = folderOf({ 'acme.yaml': anOrganization('acme', '{ slug: acme-2 }') })
  const slugs = new Map([['default/acme', 'acme']])
  const fault =
    "acme.yaml:4: spec.slug: can't change from acme to acme-2, because it is part of the webhook URLs: make another Organization and delete this one"
  expect(seen(mergeFolder(good, renamed, slugs, 1))).toEqual({
    organizations: ['default/acme Good'],
    faults: [fault],
  })
  const afterRestart = mergeFolder(emptyFolder, renamed, slugs, 1)
  expect(seen(afterRestart)).toEqual({ organizations: [], faults: [fault] })
  expect([...afterRestart.held]).toEqual(['default/acme'])
})
