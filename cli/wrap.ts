/** Wider, a line of help is hard to read. */
const widest = 80

/**
 * Help as it fits a terminal: lines that are too long go on below where their text began, behind an option's name for one. A word
 * that is longer than a line stays whole.
 */
export function wrapHelp(text: string, columns: number): string {
  const width = Math.min(columns, widest)
  return text
    .split('\n')
    .flatMap(line => wrapLine(line, width))
    .join('\n')
}

function wrapLine(line: string, width: number): string[] {
  if (line.length <= width) return [line]
  const start = line.length - line.trimStart().length
  const gap = line.indexOf('  ', start)
  const named = gap < 0 ? 0 : line.length - line.slice(gap).trimStart().length
  const indent = named > 0 && named <= width / 2 ? named : start + (named > 0 ? 4 : 0)
  const lines: string[] = []
  let rest = line
  while (rest.length > width) {
    const at = rest.lastIndexOf(' ', width)
    // Nothing but the indent stands before it.
    const cut = at > indent ? at : rest.indexOf(' ', Math.max(width, indent + 1))
    if (cut < 0 || rest.slice(0, cut).trim() === '') break
    lines.push(rest.slice(0, cut).trimEnd())
    rest = ' '.repeat(indent) + rest.slice(cut).trimStart()
  }
  return [...lines, rest]
}
