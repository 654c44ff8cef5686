import type { oas31 } from 'zod-openapi'
import { escapeHtml } from '../html.ts'
import type { OpenApiDocument } from '../openapi.ts'
import { framed, inline, paragraphs, type ReferencePage, table } from './frame.ts'
import { type ListedOperation, listOperations } from './listed-operation.ts'
import { curlOf, requestSample } from './request-sample.ts'
import { sampleOf } from './sample.ts'

/** The OpenAPI document as one page to read. */
export function referencePage(document: OpenApiDocument): ReferencePage {
  const operations = listOperations(document)
  const tags = document.tags ?? []
  return framed(
    document.info.title,
    `<header>
<h1>${escapeHtml(document.info.title)}</h1>
${paragraphs(document.info.description)}
<pre>export FAIRLEAD_API_URL=http://localhost:8081
export FAIRLEAD_API_KEY=$(cat .fairlead/admin-key)
curl -H "Authorization: Bearer $FAIRLEAD_API_KEY" "$FAIRLEAD_API_URL/api/v1/organizations"</pre>
<p>The same for programs: <a href="/openapi.json">openapi.json</a>. What errors mean: <a href="/problems">problems</a>.</p>
<nav>${tags.map(({ name }) => `<a href="#${anchor(name)}">${escapeHtml(name)}</a>`).join(' · ')}</nav>
</header>
<main>
${tags.map(tag => renderTag(document, tag, operations)).join('\n')}
<h2 id="schemas">Schemas</h2>
${Object.entries(document.components?.schemas ?? {})
  .map(
    ([name, schema]) => `<h3 id="schema-${escapeHtml(name)}">${escapeHtml(name)}</h3>${renderSchema(schema)}`,
  )
  .join('\n')}
</main>`,
  )
}

const anchor = (tag: string): string => tag.toLowerCase().replaceAll(/[^a-z]+/g, '-')

function renderTag(
  document: OpenApiDocument,
  tag: oas31.TagObject,
  operations: readonly ListedOperation[],
): string {
  const own = operations.filter(({ operation }) => operation.tags?.includes(tag.name))
  const rendered = own.map(listed => renderOperation(document, listed))
  return `<h2 id="${anchor(tag.name)}">${escapeHtml(tag.name)}</h2>${paragraphs(tag.description)}${rendered.join('\n')}`
}

function renderOperation(document: OpenApiDocument, listed: ListedOperation): string {
  const { method, path, operation } = listed
  const parameters = (operation.parameters ?? []) as oas31.ParameterObject[]
  const body = (operation.requestBody as oas31.RequestBodyObject | undefined)?.content['application/json']
  const address = `<code>${escapeHtml(path)}</code>`
  return `<details id="${escapeHtml(operation.operationId ?? '')}">
<summary><b class="${method}">${method.toUpperCase()}</b> ${operation.deprecated ? `<s>${address}</s>` : address} ${escapeHtml(operation.summary ?? '')}</summary>
${paragraphs(operation.description)}
<pre>${escapeHtml(curlOf(requestSample(document, listed)))}</pre>
${parameters.length > 0 ? `<h4>Parameters</h4>${table(parameters.map(parameterRow))}` : ''}
${body?.schema ? `<h4>Body</h4>${renderSchema(body.schema)}` : ''}
<h4>Answers</h4>
${table(Object.entries(operation.responses ?? {}).map(([status, answer]) => answerRow(status, answer as oas31.ResponseObject)))}
${renderAnswer(document, operation)}
</details>`
}

/** What it answers when all is well, as an example. */
function renderAnswer(document: OpenApiDocument, operation: oas31.OperationObject): string {
  const answers = Object.entries(operation.responses ?? {}) as [string, oas31.ResponseObject][]
  const shown = answers
    .filter(([status]) => status.startsWith('2'))
    .flatMap(([, { content }]) => content?.['application/json']?.schema ?? [])
  const [schema] = shown
  if (!schema) return ''
  const text = JSON.stringify(sampleOf(document, schema, 'all'), null, 2)
  return `<h4>Example of an answer</h4><pre>${escapeHtml(text)}</pre>`
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
  return [
    `<code>${status}</code>`,
    schema ? typeOf(schema) : '',
    linkProblems(paragraphs(answer.description)),
  ]
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

/** A problem's code at the beginning of a line leads to its page. */
function linkProblems(html: string): string {
  return html.replaceAll(
    /<p><code>([a-z_]+)<\/code>:/g,
    (_, code) => `<p><a href="/problems/${code}"><code>${code}</code></a>:`,
  )
}
