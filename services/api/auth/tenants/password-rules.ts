/**
 * Decides whether a password is good enough as the only proof of a person: it is long, and no attacker tries it first. No rules about
 * kinds of characters (https://pages.nist.gov/800-63-4/sp800-63b.html#passwordver). Pure.
 */

/** Characters of a password, at least and at most. */
export const leastCharacters = 12
export const mostCharacters = 256

/** What may be left of a password beside a common one: `Password2026!!` is `password` and six more. */
const fewMore = 8
/** What must be left of a password beside words about its person. */
const leastOwn = 8
const leastDistinct = 5
/** Shorter ones are in any text. */
const leastStem = 4

/** The same text however it was typed: one character may be written as one code point or as two. */
export const normalForm = (password: string): string => password.normalize('NFKC')

/**
 * Why a password is refused, as the end of a sentence; undefined: it is good.
 *
 * @param about texts that others know of the person: the mail address, the organization
 * @param common passwords that others try first, in lower case
 */
export function passwordFault(
  password: string,
  about: readonly string[],
  common: ReadonlySet<string>,
): string | undefined {
  const text = normalForm(password)
  const characters = [...text].length
  if (!text.isWellFormed() || /\p{Cc}/u.test(text)) return 'has control characters'
  if (characters < leastCharacters) return `must have ${leastCharacters} characters or more`
  if (characters > mostCharacters) return `must have ${mostCharacters} characters or fewer`
  const lower = text.toLowerCase()
  if (isCommon(lower, common)) return 'is one that others try first: it, or its beginning, was in breaches'
  if (isPattern(lower)) return 'is a simple pattern'
  if (leftWithout(lower, about) < leastOwn) return 'is made of your address or your organization'
  return undefined
}

/** Whether a password is a common one, several times, with something small around it, or with signs that look like its letters. */
function isCommon(lower: string, common: ReadonlySet<string>): boolean {
  return [lower, repeatedPart(lower)].some(text => {
    const characters = [...text]
    const first = characters.findIndex(isLetter)
    const end = characters.findLastIndex(isLetter) + 1
    // `5unshine2026` begins with a letter that looks like none, so its beginning is tried, too.
    const stems = [
      [0, characters.length],
      [first, end],
      [0, end],
    ].flatMap(([from, to]) => {
      const stem = characters.slice(from, to).join('')
      return characters.length - (to! - from!) <= fewMore ? [stem, plainLetters(stem)] : []
    })
    return stems.some(stem => stem.length >= leastStem && common.has(stem))
  })
}

const isLetter = (character: string): boolean => /\p{L}/u.test(character)

/** `abcabcabc` is `abc`, and what repeats nothing is itself. */
function repeatedPart(text: string): string {
  const period = (text + text).indexOf(text, 1)
  return text.slice(0, period)
}

const lookAlikes: Readonly<Record<string, string>> = {
  '0': 'o',
  '1': 'i',
  '3': 'e',
  '4': 'a',
  '5': 's',
  '7': 't',
  '@': 'a',
  $: 's',
  '!': 'i',
}
const plainLetters = (text: string): string => text.replaceAll(/[013457@$!]/g, sign => lookAlikes[sign]!)

/** Few characters, or most of them beside their neighbours: `111122223333`, `abcdefghijkl`, `987654321098`. */
function isPattern(lower: string): boolean {
  const codes = [...lower].map(character => character.codePointAt(0)!)
  if (new Set(codes).size < leastDistinct) return true
  const steps = codes.slice(1).map((code, i) => Math.abs(code - codes[i]!))
  return steps.filter(step => step <= 1).length * 4 >= steps.length * 3
}

/** Characters that are left of a password without words that others know. */
function leftWithout(lower: string, about: readonly string[]): number {
  const words = about
    .flatMap(text => text.toLowerCase().split(/[^\p{L}\p{N}]+/u))
    .filter(word => word.length >= 4)
    .toSorted((a, b) => b.length - a.length)
  return [...words.reduce((text, word) => text.replaceAll(word, ''), lower)].length
}
