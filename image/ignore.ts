/**
 * Whether .dockerignore keeps a path of the checkout out of the build context. Patterns are matched against the path
 * and the folders above it, and the last that matches decides, as Docker does it
 * (https://docs.docker.com/build/concepts/context/#dockerignore-files). Of its syntax: names, `*`, `**` and `!`.
 * @param path with slashes
 */
export function openIgnore(text: string): (path: string) => boolean {
  const rules = text
    .split('\n')
    .map(line => line.trim())
    .filter(line => line !== '' && !line.startsWith('#'))
    .map(line => ({ ignores: !line.startsWith('!'), pattern: patternOf(line.replace(/^!/, '')) }))
  return path => rules.findLast(({ pattern }) => pattern.test(path))?.ignores ?? false
}

function patternOf(line: string): RegExp {
  if (/[[\]?\\{}]/.test(line)) throw new TypeError(`.dockerignore: image/ignore.ts doesn't know ${line}`)
  const source = line
    .replace(/[.+^$()|]/g, '\\$&')
    .replace(/\*\*\/|\*/g, found => (found === '*' ? '[^/]*' : '(?:.*/)?'))
  return new RegExp(`^${source}(?:/|$)`)
}
