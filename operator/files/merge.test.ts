import { expect, test } from 'vitest'
import { emptyFolder, type FolderState, mergeFolder, vanishMs } from './merge.ts'
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

test('a file that becomes faulty keeps what it last said', () => {
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

test('a faulty file takes nothing from the others', () => {
  const state = mergeFolder(
    emptyFolder,
    folderOf({ 'a.yaml': 'kind: [', 'b.yaml': anOrganization('globex') }),
    noSlugs,
    0,
  )
  expect(seen(state).organizations).toEqual(['default/globex'])
})

test('a file that can no longer be read keeps what it last said', () => {
  const good = mergeFolder(emptyFolder, folderOf({ 'acme.yaml': anOrganization('acme') }), noSlugs, 0)
  const state = mergeFolder(good, new Map([['acme.yaml', { fault: "can't be read: EACCES" }]]), noSlugs, 1)
  expect(seen(state)).toEqual({
    organizations: ['default/acme'],
    faults: ["acme.yaml:1: can't be read: EACCES"],
  })
})

test('a missing file counts as deleted only after a while', () => {
  const good = mergeFolder(emptyFolder, folderOf({ 'acme.yaml': anOrganization('acme') }), noSlugs, 0)
  const missing = mergeFolder(good, new Map(), noSlugs, 1000)
  expect([seen(missing).organizations, missing.unsettled]).toEqual([['default/acme'], true])
  const still = mergeFolder(missing, new Map(), noSlugs, 1000 + vanishMs - 1)
  expect([seen(still).organizations, still.unsettled]).toEqual([['default/acme'], true])
  const gone = mergeFolder(still, new Map(), noSlugs, 1000 + vanishMs)
  expect([seen(gone).organizations, gone.unsettled]).toEqual([[], false])
})

test('a file that comes back in time was never gone', () => {
  const good = mergeFolder(emptyFolder, folderOf({ 'acme.yaml': anOrganization('acme') }), noSlugs, 0)
  const missing = mergeFolder(good, new Map(), noSlugs, 1000)
  const back = mergeFolder(missing, folderOf({ 'acme.yaml': anOrganization('acme') }), noSlugs, 1500)
  expect([seen(back).organizations, back.unsettled]).toEqual([['default/acme'], false])
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

test('a name that is used twice belongs to the first file', () => {
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

test('a slug that is used twice belongs to the first, and the second is left as it is', () => {
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
