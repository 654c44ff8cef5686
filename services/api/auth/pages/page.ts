import { createHash } from 'node:crypto'
import type { Response } from 'express'
import { escapeHtml } from '../../html.ts'

/** A page of headings, text and forms, without script unless it names one. Its parts are HTML; whatever comes from outside is escaped where it is put in. */
export interface Page {
  readonly title: string
  readonly body: string
  /** The path of a script of ours; absent: the page runs none. */
  readonly script?: string
}

const style = `
:root { color-scheme: light dark; --line: light-dark(#ddd, #444); --accent: light-dark(#1d4ed8, #93b4ff) }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 34rem; margin: 0 auto; padding: 3rem 1rem }
h1 { font-size: 1.4rem } label { display: block; margin: 1rem 0 .25rem } small { color: light-dark(#555, #aaa) } input + small { display: block }
input { font: inherit; width: 100%; box-sizing: border-box; padding: .5rem; border: 1px solid var(--line); border-radius: 6px }
input.code { letter-spacing: .3em; font-family: ui-monospace, monospace; max-width: 12rem }
button { font: inherit; margin-top: 1rem; padding: .5rem 1rem; border: 1px solid var(--accent); border-radius: 6px; background: var(--accent); color: light-dark(#fff, #111); cursor: pointer }
button.quiet { background: none; color: var(--accent); margin: 0 }
table { border-collapse: collapse; width: 100% } td, th { text-align: left; border-top: 1px solid var(--line); padding: .4rem .5rem .4rem 0; vertical-align: top; overflow-wrap: anywhere }
pre { white-space: pre-wrap; overflow-wrap: anywhere; border: 1px solid var(--line); border-radius: 6px; padding: .75rem }
`
const styleDigest = createHash('sha256').update(style).digest('base64')

/** Loads nothing, runs nothing, posts to us alone, and stands in nobody's frame. */
export const pagePolicy = `default-src 'none'; style-src 'sha256-${styleDigest}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'`

/** The same with scripts of ours, which ask us alone and make no markup of texts. */
const scriptedPolicy = `${pagePolicy}; script-src 'self'; connect-src 'self'; require-trusted-types-for 'script'`

export function sendPage(response: Response, status: number, { title, body, script }: Page): void {
  response
    .status(status)
    .set({
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
      'content-security-policy': script ? scriptedPolicy : pagePolicy,
    })
    .type('html')
    .send(`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${escapeHtml(title)} · Fairlead</title>
<style>${style}</style>
</head>
<body>
<h1>${escapeHtml(title)}</h1>
${body}
${script ? `<script src="${script}"></script>\n` : ''}</body>
</html>
`)
}
