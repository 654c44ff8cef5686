/** What a reason means, and what helps. */
export const reasons: Readonly<Record<string, string>> = {
  not_json: 'The body is no JSON.',
  shape: 'A field that the ledger needs is missing, or of another kind than the provider documents.',
  amount: 'An amount can’t be told exactly: a fraction of a minor unit, or more digits than JSON keeps.',
  currency: 'A currency is not three letters.',
  mode_mismatch:
    'It is of another mode than its source: a test event at a live source, or the other way round.',
  unsupported_version:
    'The provider rendered it in a version of its API that the ledger doesn’t read: raise the endpoint’s version.',
  unknown_type: 'The ledger knows no event of this type. Nothing is lost of what it keeps.',
}
