/** A share such as `"0.041667"` as `4.2 %`. Null: there was nothing to divide by. */
export function shareText(share: string | null): string {
  return share === null ? '–' : shareBar(Number(share))
}

export function shareBar(share: number): string {
  return `${(share * 100).toLocaleString(undefined, { maximumFractionDigits: 1 })} %`
}
