/** What is typed into a field of lines: its lines that say something, and where each stands in the text. */
export interface TypedLines {
  readonly texts: readonly string[]
  /** The number of the line that an entry is on, from 1, blank lines counted; undefined: the text has no such entry. */
  numberOf(entry: number): number | undefined
}

export function typedLines(text: string): TypedLines {
  const said = text
    .split('\n')
    .map((line, index) => ({ line: line.trim(), number: index + 1 }))
    .filter(({ line }) => line !== '')
  return {
    texts: said.map(({ line }) => line),
    numberOf: entry => said[entry]?.number,
  }
}

/** The first fault of an entry of the list at a path, with the line that it is on. */
export function faultOfLine(
  faults: ReadonlyMap<string, string>,
  path: string,
  numberOf: TypedLines['numberOf'],
): string | undefined {
  const [first] = [...faults]
    .filter(([name]) => name.startsWith(`${path}.`))
    .map(([name, fault]) => ({ entry: Number.parseInt(name.slice(path.length + 1), 10), fault }))
    .toSorted((one, other) => one.entry - other.entry)
  if (!first) return undefined
  const number = numberOf(first.entry)
  return number === undefined ? first.fault : `Line ${number}: ${first.fault}`
}
