/** `14:03:27` today, `Mar 01 14:03` in this year, `2025-03-01` before: local time, 12 characters at most. */
export function shortTime(iso: string, now: Date): string {
  const at = new Date(iso)
  const two = (value: number) => String(value).padStart(2, '0')
  const clock = `${two(at.getHours())}:${two(at.getMinutes())}`
  if (at.toDateString() === now.toDateString()) return `${clock}:${two(at.getSeconds())}`
  const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
  if (at.getFullYear() === now.getFullYear()) return `${months[at.getMonth()]} ${two(at.getDate())} ${clock}`
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`
}

/** `in 4 min`, `12 s ago`. */
export function relativeTime(iso: string, now: Date): string {
  const ms = new Date(iso).getTime() - now.getTime()
  const seconds = Math.round(Math.abs(ms) / 1000)
  const text =
    seconds < 90
      ? `${seconds} s`
      : seconds < 5400
        ? `${Math.round(seconds / 60)} min`
        : seconds < 129_600
          ? `${Math.round(seconds / 3600)} h`
          : `${Math.round(seconds / 86_400)} days`
  return ms > 0 ? `in ${text}` : `${text} ago`
}
