import type { Unit } from '../dashboards/builder.ts'

export const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')

/** A value as Grafana writes it: with a unit, three digits. */
export function valueText(value: number, unit: Unit): string {
  switch (unit) {
    case 's':
      return secondsText(value)
    case 'percentunit':
      return `${digits(value * 100)} %`
    case 'bytes':
      return `${scaled(value, 1024, ['B', 'KiB', 'MiB', 'GiB', 'TiB'])}`
    case 'Bps':
      return `${scaled(value, 1024, ['B', 'KiB', 'MiB', 'GiB', 'TiB'])}/s`
    case 'reqps':
    case 'ops':
      return `${scaled(value, 1000, ['', 'k', 'M'])}/s`
    case 'short':
    case 'bool':
      return scaled(value, 1000, ['', 'k', 'M', 'G'])
    default:
      return unit satisfies never
  }
}

function secondsText(value: number): string {
  if (value === 0) return '0 s'
  if (Math.abs(value) < 0.001) return `${digits(value * 1e6)} µs`
  if (Math.abs(value) < 1) return `${digits(value * 1000)} ms`
  if (value < 120) return `${digits(value)} s`
  return value < 7200 ? `${digits(value / 60)} min` : `${digits(value / 3600)} h`
}

function scaled(value: number, step: number, units: readonly string[]): string {
  let at = 0
  let rest = value
  while (Math.abs(rest) >= step && at < units.length - 1) {
    rest /= step
    at++
  }
  return `${digits(rest)} ${units[at]}`.trim()
}

const digits = (value: number): string => String(Number(value.toPrecision(3)))
