/** A piece of a text, and what it is, for its colour. */
export interface Token {
  readonly kind: 'key' | 'string' | 'number' | 'word' | 'mark' | 'space'
  readonly text: string
}

/**
 * A JSON text with line breaks and indentation of its own, as lines of tokens. The text is never parsed and printed again:
 * every digit, duplicate key, order and escape stays, and without white space between tokens both are the same bytes.
 * Undefined where the text is no JSON.
 */
export function formatJson(text: string): Token[][] | undefined {
  const tokens = scan(text)
  return tokens && layOut(tokens)
}

// One token of RFC 8259, or the white space before it.
const pattern =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a string may hold none of them
  /([ \t\n\r]+)|("(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*")|(-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)|(true|false|null)|([{}[\],:])/y

type Scanned = { readonly kind: 'string' | 'number' | 'word' | 'mark'; readonly text: string }

function scan(text: string): Scanned[] | undefined {
  const tokens: Scanned[] = []
  pattern.lastIndex = 0
  // What may come next, as in the grammar; `}` and `]` close what the stack has.
  const open: ('{' | '[')[] = []
  let state: 'value' | 'value or ]' | 'key' | 'key or }' | ':' | 'after' = 'value'
  while (pattern.lastIndex < text.length) {
    const match = pattern.exec(text)
    if (!match) return undefined
    const [all, space, string, number, word] = match
    if (space !== undefined) continue
    const kind =
      string !== undefined ? 'string' : number !== undefined ? 'number' : word !== undefined ? 'word' : 'mark'
    tokens.push({ kind, text: all })
    const isValue = kind !== 'mark'
    if (state === 'value' || state === 'value or ]') {
      if (isValue) state = 'after'
      else if (all === '{') {
        open.push('{')
        state = 'key or }'
      } else if (all === '[') {
        open.push('[')
        state = 'value or ]'
      } else if (all === ']' && state === 'value or ]') {
        open.pop()
        state = 'after'
      } else return undefined
    } else if (state === 'key' || state === 'key or }') {
      if (kind === 'string') state = ':'
      else if (all === '}' && state === 'key or }') {
        open.pop()
        state = 'after'
      } else return undefined
    } else if (state === ':') {
      if (all !== ':') return undefined
      state = 'value'
    } else {
      const inside = open.at(-1)
      if (all === ',' && inside) state = inside === '{' ? 'key' : 'value'
      else if (inside && all === (inside === '{' ? '}' : ']')) open.pop()
      else return undefined
    }
  }
  return open.length === 0 && state === 'after' ? tokens : undefined
}

function layOut(tokens: readonly Scanned[]): Token[][] {
  const lines: Token[][] = [[]]
  let depth = 0
  const put = (kind: Token['kind'], text: string) => lines.at(-1)!.push({ kind, text })
  const breakLine = () => {
    lines.push([])
    if (depth > 0) put('space', '  '.repeat(depth))
  }
  for (const [index, { kind, text }] of tokens.entries()) {
    const next = tokens[index + 1]?.text
    if (kind !== 'mark') {
      put(kind === 'string' && next === ':' && tokens[index + 1]?.kind === 'mark' ? 'key' : kind, text)
      continue
    }
    const isEmpty = tokens[index + 1]?.kind === 'mark' && (next === '}' || next === ']')
    if (text === '{' || text === '[') {
      put('mark', text)
      depth += 1
      if (!isEmpty) breakLine()
    } else if (text === '}' || text === ']') {
      depth -= 1
      const before = tokens[index - 1]!
      const wasEmpty = before.kind === 'mark' && (before.text === '{' || before.text === '[')
      if (!wasEmpty) breakLine()
      put('mark', text)
    } else if (text === ',') {
      put('mark', text)
      breakLine()
    } else {
      put('mark', text)
      put('space', ' ')
    }
  }
  return lines
}
