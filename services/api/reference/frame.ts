import { createHash } from 'node:crypto'
import { escapeHtml } from '../html.ts'

/** A page of the documentation: no script, nothing loaded from anywhere. */
export interface ReferencePage {
  readonly html: string
  /** Allows the page's one style sheet, by its digest, and nothing else. */
  readonly contentSecurityPolicy: string
}

/** @param body HTML; whatever is no markup in it has been escaped */
export function framed(title: string, body: string): ReferencePage {
  return {
    html: `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<style>${style}</style>
</head>
<body>
${body}
</body>
</html>
`,
    contentSecurityPolicy: policy,
  }
}

export function paragraphs(text: string | undefined): string {
  if (!text) return ''
  return text
    .split('\n\n')
    .map(part => `<p>${inline(part)}</p>`)
    .join('')
}

/** Of Markdown, only code: the descriptions have nothing else. */
export function inline(text: string): string {
  return escapeHtml(text).replaceAll(/`([^`]+)`/g, '<code>$1</code>')
}

/** Rows of cells that are HTML already. */
export function table(rows: readonly (readonly string[])[]): string {
  return `<table>${rows.map(row => `<tr>${row.map(cell => `<td>${cell}</td>`).join('')}</tr>`).join('')}</table>`
}

const style = `
:root { color-scheme: light dark; --line: light-dark(#ddd, #444); --soft: light-dark(#f5f5f4, #262626) }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 0 auto; padding: 1rem }
h1 { margin-bottom: 0 } h2 { margin-top: 2.5rem; border-bottom: 1px solid var(--line) } h3 { margin: 2rem 0 .5rem } h4 { margin: 1rem 0 .25rem }
code, pre { font: .875em ui-monospace, monospace } pre { background: var(--soft); padding: .75rem; overflow-x: auto; margin: .25rem 0 }
details { border: 1px solid var(--line); border-radius: 6px; margin: .5rem 0; padding: .5rem .75rem }
summary { cursor: pointer; overflow-wrap: anywhere } summary b { display: inline-block; min-width: 4.5rem } summary s { opacity: .7 }
.get { color: light-dark(#15603a, #6ee7a8) } .post, .put, .patch { color: light-dark(#1d4ed8, #93b4ff) } .delete { color: light-dark(#b42318, #ff9a8f) }
table { border-collapse: collapse; width: 100% } td { border-top: 1px solid var(--line); padding: .35rem .5rem .35rem 0; vertical-align: top; overflow-wrap: anywhere }
td p { margin: 0 0 .25rem }
`
const styleDigest = createHash('sha256').update(style).digest('base64')
const policy = `default-src 'none'; style-src 'sha256-${styleDigest}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`
