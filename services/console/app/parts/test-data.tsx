/** Stands above test data, which is easily taken for live data. */
export function TestData({ mode }: { readonly mode: string | null | undefined }) {
  if (mode !== 'test') return null
  return (
    <p className="test-data" role="status">
      <strong>Test data</strong> <span>Nothing here is live: no real customer, no real money.</span>
    </p>
  )
}
