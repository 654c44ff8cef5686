/** What a control that may not be used takes, in words beside its own. */
export function Needs({ who }: { readonly who: string }) {
  return who === '' ? null : <span className="muted"> ({who})</span>
}
