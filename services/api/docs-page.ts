import { createHash } from 'node:crypto'
import type { oas31 } from 'zod-openapi'
import { escapeHtml } from './html.ts'
import type { OpenApiDocument } from './openapi.ts'

export interface DocsPage {
  readonly html: string
  /** Allows the page's one style sheet, by its digest, and nothing else. */
  readonly contentSecurityPolicy: string
}

/** The OpenAPI document as one page to read: no script, nothing loaded from anywhere. */
export function docsPage(document: OpenApiDocument): DocsPage {
  const digest = createHash('sha256').update(style).digest('base64')
  const operations = listOperations(document)
  const html = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(document.info.title)}</title>
<style>${style}</style>
</head>
<body>
<header>
<h1>${escapeHtml(document.info.title)}</h1>
${paragraphs(document.info.description)}
<pre>curl -H "Authorization: Bearer $FAIRLEAD_API_KEY" http://localhost:8081/api/v1/organizations</pre>
<p>The same for programs: <a href="/openapi.json">openapi.json</a></p>
</header>
<main>
${(document.tags ?? []).map(tag => renderTag(tag, operations)).join('\n')}
<h2 id="schemas">Schemas</h2>
${Object.entries(document.components?.schemas ?? {})
  .map(
    ([name, schema]) => `<h3 id="schema-${escapeHtml(name)}">${escapeHtml(name)}</h3>${renderSchema(schema)}`,
  )
  .join('\n')}
</main>
</body>
</html>
`
  return {
    html,
    contentSecurityPolicy: `default-src 'none'; style-src 'sha256-${digest}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
  }
}

interface Listed {
  readonly method: string
  readonly path: string
  readonly operation: oas31.OperationObject
}

function listOperations(document: OpenApiDocument): Listed[] {
  const listed: Listed[] = []
  for (const [path, item] of Object.entries(document.paths ?? {})) {
    for (const method of ['get', 'post', 'put', 'patch', 'delete'] as const) {
      const operation = item[method]
      if (operation) listed.push({ method, path, operation })
    }
  }
  return listed
}

function renderTag(tag: oas31.TagObject, operations: readonly Listed[]): string {
  const own = operations.filter(({ operation }) => operation.tags?.includes(tag.name))
  return `<h2>${escapeHtml(tag.name)}</h2>${paragraphs(tag.description)}${own.map(renderOperation).join('\n')}`
}

function renderOperation({ method, path, operation }: Listed): string {
  const parameters = (operation.parameters ?? []) as oas31.ParameterObject[]
  const body = (operation.requestBody as oas31.RequestBodyObject | undefined)?.content['application/json']
  return `<details id="${escapeHtml(operation.operationId ?? '')}">
<summary><b class="${method}">${method.toUpperCase()}</b> <code>${escapeHtml(path)}</code> ${escapeHtml(operation.summary ?? '')}</summary>
${paragraphs(operation.description)}
${parameters.length > 0 ? `<h4>Parameters</h4>${table(parameters.map(parameterRow))}` : ''}
${body?.schema ? `<h4>Body</h4>${renderSchema(body.schema)}` : ''}
<h4>Answers</h4>
${table(Object.entries(operation.responses ?? {}).map(([status, answer]) => answerRow(status, answer as oas31.ResponseObject)))}
</details>`
}

function parameterRow(parameter: oas31.ParameterObject): string[] {
  const type = parameter.schema ? typeOf(parameter.schema) : ''
  return [
    `<code>${escapeHtml(parameter.name)}</code>`,
    `${escapeHtml(parameter.in)}${parameter.required ? ', required' : ''}`,
    `${type}<br>${inline(parameter.description ?? '')}`,
  ]
}

function answerRow(status: string, answer: oas31.ResponseObject): string[] {
  const schema = Object.values(answer.content ?? {})[0]?.schema
  return [`<code>${status}</code>`, schema ? typeOf(schema) : '', paragraphs(answer.description)]
}

/** Properties one below the other; what is inside of them is one level deep at most, the rest is a link. */
function renderSchema(schema: oas31.SchemaObject | oas31.ReferenceObject): string {
  if ('$ref' in schema && schema.$ref) return `<p>${typeOf(schema)}</p>`
  const { properties, required = [], description } = schema as oas31.SchemaObject
  const lead = paragraphs(description)
  if (!properties) return `${lead}<p>${typeOf(schema)}</p>`
  const rows = Object.entries(properties).map(([name, property]) => [
    `<code>${escapeHtml(name)}</code>${required.includes(name) ? '' : ' <i>optional</i>'}`,
    typeOf(property),
    inline(('description' in property && property.description) || ''),
  ])
  return lead + table(rows)
}

/** A type in a few words. */
function typeOf(schema: oas31.SchemaObject | oas31.ReferenceObject): string {
  if ('$ref' in schema && schema.$ref) {
    const name = escapeHtml(schema.$ref.split('/').pop() ?? '')
    return `<a href="#schema-${name}">${name}</a>`
  }
  const object = schema as oas31.SchemaObject
  if (object.enum) return object.enum.map(value => `<code>${escapeHtml(String(value))}</code>`).join(' | ')
  const choices = object.anyOf ?? object.oneOf
  if (choices) return choices.map(typeOf).join(' | ')
  if (object.items) return `list of ${typeOf(object.items)}`
  if (object.properties) return `{ ${Object.keys(object.properties).map(escapeHtml).join(', ')} }`
  const type = [object.type ?? 'anything'].flat().join(' | ')
  return escapeHtml(object.format ? `${type} (${object.format})` : type)
}

function table(rows: readonly (readonly string[])[]): string {
  return `<table>${rows.map(row => `<tr>${row.map(cell => `<td>${cell}</td>`).join('')}</tr>`).join('')}</table>`
}

function paragraphs(text: string | undefined): string {
  if (!text) return ''
  return text
    .split('\n\n')
    .map(part => `<p>${inline(part)}</p>`)
    .join('')
}

/** Of Markdown, only code: the descriptions have nothing else. */
function inline(text: string): string {
  return escapeHtml(text).replaceAll(/`([^`]+)`/g, '<code>$1</code>')
}

const style = `
:root { color-scheme: light dark; --line: light-dark(#ddd, #444); --soft: light-dark(#f5f5f4, #262626) }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 0 auto; padding: 1rem }
h1 { margin-bottom: 0 } h2 { margin-top: 2.5rem; border-bottom: 1px solid var(--line) } h3 { margin: 2rem 0 .5rem } h4 { margin: 1rem 0 .25rem }
code, pre { font: .875em ui-monospace, monospace } pre { background: var(--soft); padding: .75rem; overflow-x: auto }
details { border: 1px solid var(--line); border-radius: 6px; margin: .5rem 0; padding: .5rem .75rem }
summary { cursor: pointer; overflow-wrap: anywhere } summary b { display: inline-block; min-width: 4.5rem }
.get { color: light-dark(#15603a, #6ee7a8) } .post, .put, .patch { color: light-dark(#1d4ed8, #93b4ff) } .delete { color: light-dark(#b42318, #ff9a8f) }
table { border-collapse: collapse; width: 100% } td { border-top: 1px solid var(--line); padding: .35rem .5rem .35rem 0; vertical-align: top; overflow-wrap: anywhere }
td p { margin: 0 0 .25rem }
`
