/** A program as it names itself, in a few words for people. It may say anything: nothing is decided by it. */
export function deviceOf(agent: string): string {
  const program = programs.find(([sign]) => agent.includes(sign))?.[1]
  const system = systems.find(([sign]) => agent.includes(sign))?.[1]
  if (program && system) return `${program} on ${system}`
  return (
    program ?? system ?? (agent.replaceAll(/[^\x20-\x7e]/g, '').slice(0, 60) || 'a program that gave no name')
  )
}

// The more special first: Edge and Opera name Chrome, and Chrome names Safari.
const programs = [
  ['Edg/', 'Edge'],
  ['OPR/', 'Opera'],
  ['Firefox/', 'Firefox'],
  ['Chrome/', 'Chrome'],
  ['Safari/', 'Safari'],
  ['fairlead/', 'the fairlead command'],
  ['curl/', 'curl'],
] as const
const systems = [
  ['Windows', 'Windows'],
  ['Android', 'Android'],
  ['iPhone', 'iPhone'],
  ['iPad', 'iPad'],
  ['Mac OS X', 'macOS'],
  ['Linux', 'Linux'],
] as const
