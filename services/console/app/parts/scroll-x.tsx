import type { ReactNode } from 'react'

/** Lets what is wider than the page scroll by itself, also by keyboard. */
export function ScrollX({ label, children }: { readonly label: string; readonly children: ReactNode }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a scroller must be reachable by keyboard
    <section className="scroll-x" tabIndex={0} aria-label={label}>
      {children}
    </section>
  )
}
