/** Bulk retries of several organizations, as the address has them: `acme:rty_…,globex:rty_…`. */
export interface PlanPlace {
  readonly slug: string
  readonly id: string
}

const pattern = /^([a-z0-9][a-z0-9-]{0,62}):(rty_[0-9a-z]{26})$/

/** Those that can be read; one that was mistyped is left out. Pure. */
export function plansIn(text: string | undefined): readonly PlanPlace[] {
  return (text ?? '').split(',').flatMap(part => {
    const [, slug, id] = pattern.exec(part) ?? []
    return slug && id ? [{ slug, id }] : []
  })
}

export const plansText = (plans: readonly PlanPlace[]): string =>
  plans.map(({ slug, id }) => `${slug}:${id}`).join(',')
