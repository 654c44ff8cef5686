/**
 * Columns as PostgreSQL reads them: `{1,2,NULL}`. Left to `pg`, each value of an array passes two regular expressions and is
 * quoted, also where it can't hold anything to escape; a batch of the log has some forty thousand values.
 */

/** Values with nothing to escape: UUIDs, numbers, booleans, dates in ISO format. */
export function plainArray(values: readonly (string | number | boolean | null)[]): string {
  let text = '{'
  for (let i = 0; i < values.length; i++) text += i === 0 ? (values[i] ?? 'NULL') : `,${values[i] ?? 'NULL'}`
  return `${text}}`
}

/** Any text. */
export function textArray(values: readonly (string | null)[]): string {
  let text = '{'
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!
    if (i > 0) text += ','
    text += value === null ? 'NULL' : quoted(value)
  }
  return `${text}}`
}

const special = /[\\"]/
const quoted = (value: string): string =>
  special.test(value) ? `"${value.replace(/[\\"]/g, '\\$&')}"` : `"${value}"`
