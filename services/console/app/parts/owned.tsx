/** Where a setting is changed. */
export function Owned({ by }: { readonly by: 'owner' | 'tenant' }) {
  return by === 'owner' ? (
    <span title="Declared by the resource or file that declares the organization, and changed there">
      where it is declared
    </span>
  ) : (
    <span>here</span>
  )
}
