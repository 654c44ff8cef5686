import { STATUS_CODES } from 'node:http'
import { type ProblemCode, problemCodes, problems, typeOfProblem } from '../problem.ts'
import { framed, inline, type ReferencePage } from './frame.ts'
import { problemGuides, type Retry } from './problem-guides.ts'

const sentenceOfRetry: Readonly<Record<Retry, string>> = {
  never: 'The same request is refused again, until something changes.',
  later: 'The same request may be sent again, after the seconds of `Retry-After`.',
  'same-key': 'The same request may be sent again; a write with the same `Idempotency-Key`.',
}

/** An operation that can end in a problem. */
export interface EndingOperation {
  readonly name: string
  readonly summary: string
}

/**
 * The page that a problem's `type` leads to.
 *
 * @param operations those that say that they can end in it
 */
export function problemPage(code: ProblemCode, operations: readonly EndingOperation[]): ReferencePage {
  const [status, sentence] = problems[code]
  const { meaning, remedy, retry } = problemGuides[code]
  const listed = operations.map(
    ({ name, summary }) => `<li><a href="/docs#${name}">${inline(summary)}</a> <code>${name}</code></li>`,
  )
  return framed(
    `${code} · Fairlead API`,
    `<header>
<p><a href="/docs">Fairlead API</a> · <a href="/problems">all problems</a></p>
<h1><code>${code}</code></h1>
<p>${status} ${STATUS_CODES[status]}: ${inline(sentence)}</p>
</header>
<main>
<h2>What it means</h2>
<p>${inline(meaning)}</p>
<h2>What to do</h2>
<p>${inline(remedy)}</p>
<p>${inline(sentenceOfRetry[retry])}</p>
${listed.length > 0 ? `<h2>Where it comes from</h2><ul>${listed.join('')}</ul>` : ''}
</main>`,
  )
}

/** All problems, each with a link to its page. */
export function problemsPage(): ReferencePage {
  const items = problemCodes.map(
    code =>
      `<li><a href="${typeOfProblem(code)}"><code>${code}</code></a> ${problems[code][0]}: ${inline(problems[code][1])}</li>`,
  )
  return framed(
    'Problems · Fairlead API',
    `<header><p><a href="/docs">Fairlead API</a></p><h1>Problems</h1></header>
<main><p>${inline('Whatever isn’t a success is answered with a problem document (RFC 9457). Branch on `code`; its `type` leads to one of these pages.')}</p>
<ul>${items.join('')}</ul></main>`,
  )
}

/** Where the same is kept in one file. */
export const problemsFile = new URL('../../../docs/problems.md', import.meta.url)

/** What stands in it. */
export function problemsMarkdown(): string {
  const sections = problemCodes.map(code => {
    const [status, sentence] = problems[code]
    const { meaning, remedy, retry } = problemGuides[code]
    return `## ${code}\n\n${status} ${STATUS_CODES[status]}: ${sentence}\n\n**Means**: ${meaning}\n\n**To do**: ${remedy}\n\n${sentenceOfRetry[retry]}\n`
  })
  return `# Problems

Written from \`services/api/reference/problem-guides.ts\` by \`npm run generate\`.

Whatever the API answers that is no success is a problem document ([RFC 9457](https://www.rfc-editor.org/rfc/rfc9457)) of the media type
\`application/problem+json\`. Branch on \`code\`, which never changes its meaning, and not on the text. \`type\` is an address of the same API, \`/problems/<code>\`, with
the page about it; \`requestId\` is also in the header \`x-request-id\` of every answer.

${sections.join('\n')}`
}
