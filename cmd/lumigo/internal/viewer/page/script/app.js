// The page starts here: the bar at the top, the keys that work everywhere, files that are dropped, and the views.

import * as api from './api.js'
import { h, icon, iconButton } from './dom.js'
import { plural, list as counts } from './format.js'
import * as keys from './keys.js'
import { toast } from './notice.js'
import { go, start } from './router.js'
import { open as compare } from './compare.js'
import { open as list } from './list.js'
import { open as map } from './map.js'
import { applyTheme, themeButton } from './theme.js'
import { open as trace } from './trace.js'

applyTheme()

const file = h('input', { type: 'file', multiple: true, hidden: true, onchange: () => {
  load([...file.files])
  file.value = ''
} })

const links = [['/', 'Traces'], ['/map', 'Map']].map(([href, name]) => h('a', { href }, name))
const main = h('main', { id: 'main' })

document.body.append(
  h('a', { class: 'skip', href: '#main', onclick: (event) => {
    event.preventDefault()
    main.querySelector('[role=grid], [role=treegrid], h1')?.focus()
  } }, 'Skip to content'),
  h('header', { class: 'top' },
    h('a', { class: 'brand', href: '/', 'aria-label': 'Lumigo viewer, all traces' }, brand(), h('span', null, 'Lumigo')),
    h('nav', { 'aria-label': 'Views' }, links),
    h('div', { class: 'top-end' },
      h('button', { type: 'button', class: 'button quiet', title: 'Import traces from a file, or drop it anywhere', onclick: () => file.click() }, icon('upload'), h('span', { class: 'wide-only' }, 'Import')),
      file,
      themeButton(),
      iconButton('keyboard', 'Keyboard', keys.showKeys, { 'aria-keyshortcuts': '?' }))),
  main)

document.addEventListener('viewchange', () => {
  for (const link of links) {
    const here = link.getAttribute('href') === location.pathname
    if (here) link.setAttribute('aria-current', 'page')
    else link.removeAttribute('aria-current')
  }
})

keys.bindEverywhere([
  { keys: ['g t'], what: 'Go to the traces', run: () => go('/') },
  { keys: ['g m'], what: 'Go to the map', run: () => go('/map') },
  { keys: ['i'], what: 'Import a file', run: () => file.click() },
  { keys: ['?'], what: 'Show these keys', run: keys.showKeys },
])

start(main, [
  { pattern: /^\/$/, open: list },
  { pattern: /^\/trace\/([0-9a-fA-F]{32})$/, open: trace },
  { pattern: /^\/compare\/([0-9a-fA-F]{32})\/([0-9a-fA-F]{32})$/, open: compare },
  { pattern: /^\/map$/, open: map },
])

function brand() {
  return h('img', { src: '/icon.svg', alt: '', width: 20, height: 20 })
}

async function load(files) {
  const traces = []
  let spans = 0
  let logs = 0
  for (const f of files) {
    try {
      const loaded = await api.load(f)
      traces.push(...loaded.traces)
      spans += loaded.spans
      logs += loaded.logs
      if (loaded.skipped > 0) toast(`${f.name}: ${plural(loaded.skipped, 'record')} left out${loaded.problem ? `: ${loaded.problem}` : ''}`, { error: true })
    } catch (error) {
      toast(`${f.name}: ${error.message}${error.hint ? ` (${error.hint})` : ''}`, { error: true })
    }
  }
  if (traces.length === 0 && spans === 0 && logs === 0) return
  toast(`Imported ${plural(traces.length, 'trace')} with ${counts([spans, 'span'], [logs, 'log'])}`)
  go(traces.length === 1 ? `/trace/${traces[0]}` : '/')
}

// Files may be dropped anywhere. Dragging over a child leaves the parent, so entering and leaving are counted.
const target = h('div', { class: 'drop', hidden: true }, icon('upload'), 'Drop a trace file to import it')
document.body.append(target)
let over = 0
const carriesFiles = (event) => [...event.dataTransfer?.types ?? []].includes('Files')
addEventListener('dragenter', (event) => {
  if (!carriesFiles(event)) return
  event.preventDefault()
  over++
  target.hidden = false
})
addEventListener('dragleave', (event) => {
  if (carriesFiles(event) && --over === 0) target.hidden = true
})
addEventListener('dragover', (event) => {
  if (carriesFiles(event)) event.preventDefault()
})
addEventListener('drop', (event) => {
  if (!carriesFiles(event)) return
  event.preventDefault()
  over = 0
  target.hidden = true
  load([...event.dataTransfer.files])
})
