/** Stands above test data, which is easily taken for live data. */
export function TestData({ mode }: { readonly mode: string | null | undefined }) {
  if (mode !== 'test') return null
  return (
    <p className="note warn">
      <strong>Test data.</strong> It came in through a source in test mode, and is kept apart from live data.
    </p>
  )
}
