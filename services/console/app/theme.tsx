import { useState } from 'react'

const themes = ['system', 'light', 'dark'] as const
type Theme = (typeof themes)[number]

/** Kept in this browser; a browser that refuses to keep it forgets it with the page. */
function keptTheme(): Theme {
  try {
    const kept = localStorage.getItem('theme')
    return themes.find(theme => theme === kept) ?? 'system'
  } catch {
    return 'system'
  }
}

export function applyTheme(theme: Theme = keptTheme()): void {
  if (theme === 'system') delete document.documentElement.dataset.theme
  else document.documentElement.dataset.theme = theme
}

export function ThemeButton() {
  const [theme, setTheme] = useState(keptTheme)
  const next = themes[(themes.indexOf(theme) + 1) % themes.length]!
  const change = () => {
    setTheme(next)
    applyTheme(next)
    try {
      localStorage.setItem('theme', next)
    } catch {
      // It holds for this page, then.
    }
  }
  return (
    <button type="button" className="button small" onClick={change}>
      <span className="wide">Theme: </span>
      {theme}
    </button>
  )
}
