// The search box: words are completed while they are typed, and become chips.

import * as api from './api.js'
import { announce, h, icon, iconButton, replace } from './dom.js'
import { clip } from './format.js'
import { chips, isEmpty, quote, understand } from './query.js'
import { go } from './router.js'

const fields = [
  ['service:', 'the service of any span'],
  ['name:', 'the name of any span'],
  ['status:error', 'traces with errors'],
  ['duration>', 'at least this long'],
  ['duration<', 'at most this long'],
  ['since:', 'started in the last …'],
]
const lengths = ['10ms', '50ms', '100ms', '500ms', '1s', '5s']
const times = ['5m', '15m', '1h', '24h']

// searchBox makes one for a query. changed is called with each new one.
export function searchBox(query, changed) {
  let options = []
  let active = -1
  let known = null
  let asked = 0

  const input = h('input', {
    type: 'text', role: 'combobox', 'aria-label': 'Search traces', 'aria-autocomplete': 'list', 'aria-expanded': 'false', 'aria-controls': 'completions',
    'aria-describedby': 'search-mistake', placeholder: 'Search: words, service:shop, http.route=/pay, duration>100ms, a trace id', autocomplete: 'off', autocapitalize: 'off', spellcheck: 'false',
    oninput: complete, onfocus: complete, onblur: close, onkeydown: key,
  })
  const holder = h('span', { class: 'chips', role: 'list', 'aria-label': 'Filters' })
  const clear = iconButton('close', 'Clear the search', () => {
    input.value = ''
    changed({ attribute: [] })
    input.focus()
  })
  const listbox = h('ul', { class: 'completions', id: 'completions', role: 'listbox', 'aria-label': 'Completions', hidden: true })
  const mistake = h('p', { class: 'mistake', id: 'search-mistake', role: 'alert' })
  const element = h('div', { class: 'search', role: 'search' },
    h('div', { class: 'search-field', onclick: (event) => { if (event.target === event.currentTarget) input.focus() } }, icon('search'), holder, input, clear, h('kbd', { 'aria-hidden': 'true' }, '/')),
    listbox, mistake)

  function show(next) {
    query = next
    input.value = query.text ?? ''
    replace(holder, chips(query).map(({ label, value, remove }) => h('span', { class: 'chip', role: 'listitem' },
      h('span', { class: 'chip-label' }, label), ' ', h('span', { class: 'chip-value' }, clip(value, 60)),
      iconButton('close', `Remove the filter ${label} ${clip(value, 60)}`, () => {
        const without = { ...query }
        remove(without)
        changed(without)
        input.focus()
      }))))
    holder.hidden = !holder.firstChild
    clear.hidden = isEmpty(query)
    mistake.textContent = ''
  }

  function commit() {
    const typed = input.value.trim()
    if (/^[0-9a-f]{32}$/i.test(typed)) return go(`/trace/${typed.toLowerCase()}`)
    const next = { ...query, attribute: [...query.attribute], text: '' }
    const wrong = understand(next, typed)
    close()
    replace(mistake, wrong)
    if (!wrong) changed(next)
  }

  // The word that is being typed is the one that ends at the cursor.
  function word() {
    const before = input.value.slice(0, input.selectionStart)
    const start = /(?:"[^"]*"?|[^\s"])*$/.exec(before).index
    return { start, end: input.selectionStart, text: before.slice(start).replaceAll('"', '') }
  }

  async function complete() {
    const turn = ++asked
    replace(mistake)
    const { text } = word()
    known ??= api.services().catch(() => ({ services: [] }))
    const { services } = await known
    const wantsKeys = text !== '' && !/[:=~<>]/.test(text)
    const { keys } = wantsKeys ? await api.attributes(text).catch(() => ({ keys: [] })) : { keys: [] }
    if (turn !== asked || document.activeElement !== input) return
    const names = [...new Set(services.flatMap((s) => s.operations.map((o) => o.name)))]
    const has = (s) => s.toLowerCase().includes(text.toLowerCase().replace(/^(service|name):/, ''))
    const starts = (s) => s.startsWith(text.toLowerCase())
    const option = (value, says, whole) => ({ value, says, whole })
    const service = services.filter((s) => has(s.name)).map((s) => option(`service:${quote(s.name)}`, 'service', true))
    const operation = names.filter(has).map((n) => option(`name:${quote(n)}`, 'span name', true))
    if (/^service:/i.test(text)) options = service
    else if (/^name:/i.test(text)) options = operation
    else if (/^duration[<>]/i.test(text)) options = lengths.map((l) => option(text.slice(0, 9) + l, '', true)).filter((o) => starts(o.value))
    else if (/^since:/i.test(text)) options = times.map((l) => option('since:' + l, '', true)).filter((o) => starts(o.value))
    else {
      options = fields.filter(([f]) => starts(f)).map(([f, says]) => option(f, says, !/[:<>]$/.test(f)))
      if (wantsKeys) options.push(...service.slice(0, 4), ...keys.slice(0, 6).map((k) => option(`${k}=`, 'attribute', false)), ...operation.slice(0, 4))
    }
    options = options.slice(0, 12)
    active = -1
    draw()
  }

  function draw() {
    replace(listbox, options.map((o, i) => h('li', {
      id: `completion-${i}`, role: 'option', 'aria-selected': i === active ? 'true' : 'false',
      onpointerdown: (event) => { event.preventDefault(); choose(o) },
    }, h('span', { class: 'completion-value' }, clip(o.value, 120)), h('span', { class: 'completion-says' }, o.says))))
    listbox.hidden = options.length === 0
    input.setAttribute('aria-expanded', String(!listbox.hidden))
    if (active >= 0) {
      input.setAttribute('aria-activedescendant', `completion-${active}`)
      listbox.children[active].scrollIntoView({ block: 'nearest' })
    } else {
      input.removeAttribute('aria-activedescendant')
    }
  }

  function close() {
    asked++
    known = null
    options = []
    active = -1
    draw()
  }

  function choose({ value, whole }) {
    const { start, end } = word()
    input.setRangeText(value, start, end, 'end')
    if (whole) commit()
    else complete()
  }

  function key(event) {
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      if (options.length === 0) return
      event.preventDefault()
      const step = event.key === 'ArrowDown' ? 1 : -1
      active = active < 0 && step < 0 ? options.length - 1 : (active + step + options.length) % options.length
      draw()
    } else if (event.key === 'Enter') {
      event.preventDefault()
      if (active >= 0) choose(options[active])
      else commit()
    } else if (event.key === 'Tab' && !event.shiftKey && active >= 0) {
      event.preventDefault()
      choose(options[active])
    } else if (event.key === 'Escape') {
      event.preventDefault()
      if (options.length > 0) close()
      else input.blur()
    } else if (event.key === 'Backspace' && input.value === '') {
      const last = chips(query).at(-1)
      if (!last) return
      const without = { ...query }
      last.remove(without)
      changed(without)
      announce(`Removed ${last.label} ${last.value}`)
    }
  }

  show(query)
  return { element, show, focus: () => { input.focus(); input.select() } }
}
