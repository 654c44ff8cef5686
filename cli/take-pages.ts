/** What a list answers a page with. */
export interface ListPage<Item> {
  readonly items: readonly Item[]
  readonly next: string | null
  /** How far a page looked that ended before it was full: a filter without an index takes many of them. */
  readonly searched?: { readonly until: string } | null
}

export interface Taken<Item> {
  readonly items: Item[]
  /** Whether the list goes on behind them. */
  readonly more: boolean
}

/** Of a list of one page that goes on behind it: without this, who reads it takes it for the whole. */
export const moreNote = 'There are more: narrow it, or raise --limit.'

/**
 * The first items of a list, page by page.
 * @param load a page of at most `limit` items
 * @param tellSearched is told how far the list was looked through, where there is more to look at
 */
export async function takePages<Item>(
  limit: number,
  load: (page: { readonly limit: number; readonly cursor?: string }) => Promise<ListPage<Item>>,
  tellSearched: (until: string) => void,
): Promise<Taken<Item>> {
  const items: Item[] = []
  for (let cursor: string | undefined; ; ) {
    const page = await load({ limit: limit - items.length, ...(cursor !== undefined && { cursor }) })
    items.push(...page.items)
    if (!page.next || items.length >= limit) return { items, more: Boolean(page.next) }
    if (page.searched) tellSearched(page.searched.until)
    cursor = page.next
  }
}
