// Dark and light: as the system has it until somebody chooses.

import { icon, iconButton, replace } from './dom.js'
import { recall, remember } from './memory.js'

const system = matchMedia('(prefers-color-scheme: dark)')

function isDark() {
  return (recall('theme') ?? (system.matches ? 'dark' : 'light')) === 'dark'
}

// applyTheme shows the theme that was chosen. What is drawn with colours of its own follows the event themechange.
export function applyTheme() {
  document.documentElement.dataset.theme = recall('theme') ?? 'system'
  document.dispatchEvent(new Event('themechange'))
}

// themeButton makes the button that changes between them.
export function themeButton() {
  const button = iconButton('moon', '', () => {
    const chosen = isDark() ? 'light' : 'dark'
    remember('theme', chosen === (system.matches ? 'dark' : 'light') ? null : chosen)
    applyTheme()
  })
  const show = () => {
    const label = isDark() ? 'Light theme' : 'Dark theme'
    button.setAttribute('aria-label', label)
    button.title = label
    replace(button, icon(isDark() ? 'sun' : 'moon'))
  }
  system.addEventListener('change', applyTheme)
  document.addEventListener('themechange', show)
  show()
  return button
}
