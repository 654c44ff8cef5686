import { stripVTControlCharacters, styleText } from 'node:util'

/** The output of a command: its width, and whether colours and moving lines make sense there. */
export interface Terminal {
  /** Characters in a line. Without end where nobody reads it from a screen: a name that is cut is no use to a script. */
  readonly columns: number
  readonly isTty: boolean
  print(text?: string): void
  /** Writes to standard error, so that the answer alone can be piped on. */
  note(text: string): void
  /** Colours text where colours are wanted (NO_COLOR and FORCE_COLOR are honoured). */
  paint(colour: Colour, text: string): string
}

export type Colour = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan'

export function openTerminal(
  stdout: NodeJS.WriteStream = process.stdout,
  stderr: NodeJS.WriteStream = process.stderr,
): Terminal {
  const isTty = stdout.isTTY === true
  const asked = Number(process.env.COLUMNS)
  return {
    columns: stdout.columns || (asked > 0 ? asked : isTty ? 80 : Number.POSITIVE_INFINITY),
    isTty,
    print: (text = '') => void stdout.write(`${text}\n`),
    note: text => void stderr.write(`${text}\n`),
    paint: (colour, text) => styleText(colour, text, { stream: stdout }),
  }
}

/**
 * Text from outside as a terminal may show it: without control characters, which could colour, move or retitle it. Line
 * breaks and tabs stay only where `lines` is set.
 */
export function printable(text: string, options: { readonly lines?: boolean } = {}): string {
  const stripped = stripVTControlCharacters(text)
  return options.lines ? stripped.replaceAll(/[^\P{Cc}\n\t]/gu, '�') : stripped.replaceAll(/\p{Cc}+/gu, ' ')
}
