/** What the stand-ins for k6's modules share: samples of metrics, and the flow that runs. */
export interface Sample {
  readonly value: number
  readonly tags: Readonly<Record<string, string>>
}

export const samples = new Map<string, Sample[]>()

export function add(metric: string, value: number, tags: Readonly<Record<string, string>> = {}): void {
  const list = samples.get(metric)
  if (list) list.push({ value, tags })
  else samples.set(metric, [{ value, tags }])
}

export const running = { name: '', iterationInTest: 0 }
