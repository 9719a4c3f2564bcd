// Two traces side by side: their trees laid over each other, and where the difference in time comes from.

import * as api from './api.js'
import { serviceClass } from './colour.js'
import { h, icon, replace } from './dom.js'
import { change, clip, count, duration, percent, plural, tick, ticks, time } from './format.js'
import * as keys from './keys.js'
import { titleOf } from './list.js'
import { failure, waiting } from './notice.js'
import { go, setQuery, setTitle } from './router.js'
import { Rows } from './rows.js'

const marks = {
  same: ['', 'same'],
  slower: ['▲', 'slower'],
  faster: ['▼', 'faster'],
  added: ['+', 'only in B'],
  removed: ['−', 'only in A'],
}

export function open({ main, parameters: [a, b], query, signal }) {
  const view = h('div', { class: 'view compare-view' })
  main.append(view)
  setTitle('Comparison')
  load()

  async function load() {
    replace(view, h('h1', { class: 'visually-hidden', tabindex: -1 }, 'Comparison'), waiting('Comparing'))
    try {
      const answer = await api.compare(a.toLowerCase(), b.toLowerCase(), signal)
      if (!signal.aborted) show(view, answer, query, signal)
    } catch (error) {
      if (!signal.aborted) replace(view, h('h1', { class: 'visually-hidden', tabindex: -1 }, 'Comparison'), failure(error, load), h('p', { class: 'blank-link' }, h('a', { href: '/' }, 'All traces')))
    }
  }
}

function show(view, { a, b, rows: all, delta }, query, signal) {
  const whole = Math.max(1, a.duration, b.duration)
  const most = Math.max(1, ...all.map((r) => Math.abs(difference(r))))
  let changesOnly = query.get('show') === 'changes'
  let bySize = query.get('sort') === 'change'
  let shown = []
  let active = -1
  const narrow = matchMedia('(max-width: 720px)')
  setTitle(`Comparison of ${clip(titleOf(a), 60)}`)

  const ruler = h('div', { class: 'ruler', 'aria-hidden': 'true' }, ticks(0, whole, narrow.matches ? 3 : 5).filter((v) => v / whole < 0.92).map((v) => h('span', { class: 'tick', style: { left: `${v / whole * 100}%` } }, tick(v))))
  const grid = h('div', { class: 'spans compare', role: 'grid', tabindex: 0, 'aria-label': 'Spans of both traces' },
    h('div', { class: 'compare-row span-head', role: 'row', 'aria-rowindex': 1 },
      h('div', { role: 'columnheader', class: 'span-name' }, 'Span'),
      h('div', { role: 'columnheader', class: 'number' }, h('b', { class: 'letter letter-a' }, 'A')),
      h('div', { role: 'columnheader', class: 'number' }, h('b', { class: 'letter letter-b' }, 'B')),
      h('div', { role: 'columnheader', class: 'c-change' }, 'Change'),
      h('div', { role: 'columnheader', class: 'span-time' }, h('span', { class: 'visually-hidden' }, 'Time'), ruler)))
  const rows = new Rows({ scroller: grid, count: () => shown.length, draw, height: () => narrow.matches ? 62 : 36, head: 28 })
  narrow.addEventListener('change', () => rows.refresh(), { signal })
  grid.addEventListener('click', (event) => {
    const line = event.target.closest('[data-row]')
    if (line) move(Number(line.dataset.row))
  })

  const tally = Object.keys(marks).map((kind) => [kind, all.filter((r) => r.change === kind).length])
  const toggle = (name, on, changed) => {
    const button = h('button', { type: 'button', class: 'button', 'aria-pressed': String(on), onclick: () => {
      on = !on
      button.setAttribute('aria-pressed', String(on))
      changed(on)
      keep()
      arrange()
    } }, name)
    return button
  }
  const blank = h('div', { class: 'blank', hidden: true }, h('h2', null, 'No difference'), h('p', null, 'Both traces have the same spans, and each took as long in one as in the other.'))

  replace(view,
    h('div', { class: 'compare-head' },
      h('h1', { tabindex: -1, class: 'visually-hidden' }, 'Comparison of two traces'),
      header('A', a), h('div', { class: 'versus' },
        h('strong', { class: delta > 0 ? 'slower' : delta < 0 ? 'faster' : '' }, h('span', { 'aria-hidden': 'true' }, delta > 0 ? '▲ ' : delta < 0 ? '▼ ' : ''), delta === 0 ? 'equally long' : change(delta)),
        h('span', null, delta === 0 ? '' : `B is ${a.duration > 0 ? percent(Math.abs(delta) / a.duration) + ' ' : ''}${delta > 0 ? 'slower' : 'faster'}`),
        h('button', { type: 'button', class: 'button small', title: 'Exchange A and B (s)', onclick: swap }, icon('compare'), 'Swap')),
      header('B', b)),
    h('div', { class: 'trace-tools', role: 'toolbar', 'aria-label': 'Comparison' },
      toggle('Only what differs', changesOnly, (on) => { changesOnly = on }),
      toggle('Largest change first', bySize, (on) => { bySize = on }),
      h('span', { class: 'tally' }, tally.filter(([kind, n]) => n > 0 && kind !== 'same').map(([kind, n]) => h('span', { class: `change-${kind}` }, h('b', { 'aria-hidden': 'true' }, marks[kind][0]), ` ${count(n)} ${marks[kind][1]}`)))),
    grid, blank)
  arrange()

  keys.bind('Comparison', [
    { keys: ['j', 'ArrowDown'], what: 'Next span', run: () => move(active + 1) },
    { keys: ['k', 'ArrowUp'], what: 'Previous span', run: () => move(Math.max(0, active - 1)) },
    { keys: ['Home'], run: () => move(0) },
    { keys: ['End'], run: () => move(shown.length - 1) },
    { keys: ['n'], what: 'Next difference', run: () => move(shown.findIndex((r, i) => i > active && r.change !== 'same')) },
    { keys: ['N'], shown: ['⇧ n'], what: 'Previous difference', run: () => move(shown.findLastIndex((r, i) => i < active && r.change !== 'same')) },
    { keys: ['s'], what: 'Exchange A and B', run: swap },
    { keys: ['Escape'], what: 'Back to the list', run: () => go('/') },
  ])

  function arrange() {
    shown = changesOnly ? all.filter((r) => r.change !== 'same') : [...all]
    if (bySize) shown.sort((x, y) => Math.abs(difference(y)) - Math.abs(difference(x)))
    active = rows.active = -1
    grid.setAttribute('aria-rowcount', shown.length + 1)
    grid.removeAttribute('aria-activedescendant')
    grid.hidden = shown.length === 0
    blank.hidden = shown.length > 0
    rows.refresh()
  }

  function draw(i) {
    const r = shown[i]
    const by = difference(r)
    const [sign, says] = marks[r.change]
    return h('div', { class: `compare-row span-row ${serviceClass(r.service)} change-${r.change}${i === active ? ' active' : ''}`, role: 'row', id: `row-${i}`, 'data-row': i, 'aria-rowindex': i + 2, 'aria-selected': String(i === active), style: { '--depth': bySize ? 0 : Math.min(r.depth, 24), '--indent': '14px' } },
      h('div', { class: 'span-name', role: 'gridcell' },
        h('span', { class: 'guides', 'aria-hidden': 'true' }), h('span', { class: 'mark' }),
        h('span', { class: 'span-text', title: clip(`${r.service}: ${r.name}`, 500) }, h('span', { class: 'service-name' }, clip(r.service, 60)), ' ', h('span', { class: 'name' }, clip(r.name)))),
      half(r.a), half(r.b),
      h('div', { class: 'c-change', role: 'gridcell' },
        h('span', { class: 'change-text' }, h('b', { 'aria-hidden': 'true' }, sign), r.change === 'added' || r.change === 'removed' ? says : r.change === 'same' && by === 0 ? '0' : change(by), h('span', { class: 'visually-hidden' }, says)),
        h('span', { class: 'change-track', 'aria-hidden': 'true' }, h('span', { class: by < 0 ? 'less' : 'more', style: { width: `${Math.abs(by) / most * 50}%` } }))),
      h('div', { class: 'span-time', role: 'gridcell', 'aria-hidden': 'true' }, bar('a', r.a), bar('b', r.b)))
  }

  function half(side) {
    if (!side) return h('div', { class: 'number none', role: 'gridcell' }, '–')
    return h('div', { class: 'number', role: 'gridcell' }, duration(side.duration),
      side.count > 1 ? h('small', null, `${side.count}×`) : null,
      side.errors > 0 ? h('span', { class: 'errors', title: plural(side.errors, 'error') }, icon('alert'), h('span', { class: 'visually-hidden' }, plural(side.errors, 'error'))) : null)
  }

  function bar(letter, side) {
    if (!side) return null
    const left = Math.min(100, side.start / whole * 100)
    return h('span', { class: `bar pair-${letter}`, style: { left: `${left}%`, width: `${Math.min(100 - left, side.duration / whole * 100)}%` } })
  }

  function move(i) {
    if (!shown[i]) return
    const before = active
    active = rows.active = i
    rows.reveal(i)
    rows.update(before)
    rows.update(i)
    grid.setAttribute('aria-activedescendant', `row-${i}`)
    grid.focus({ preventScroll: true })
  }

  function keep() {
    const parameters = new URLSearchParams()
    if (changesOnly) parameters.set('show', 'changes')
    if (bySize) parameters.set('sort', 'change')
    setQuery(parameters)
  }

  function swap() {
    go(`/compare/${b.traceId}/${a.traceId}${location.search}`, { replace: true })
  }
}

function difference(r) {
  return (r.b?.duration ?? 0) - (r.a?.duration ?? 0)
}

function header(letter, s) {
  const { service } = s.root
  return h('section', { class: 'compare-side', 'aria-label': `Trace ${letter}` },
    h('b', { class: `letter letter-${letter.toLowerCase()}` }, letter),
    h('div', null,
      h('h2', null, h('a', { href: `/trace/${s.traceId}` }, h('span', { class: `mark ${serviceClass(service)}` }), h('span', { class: 'service-name' }, clip(service, 60)), ' ', clip(titleOf(s), 160))),
      h('p', null, h('strong', null, duration(s.duration)), ' · ', plural(s.spans, 'span'), s.errors > 0 ? [' · ', h('span', { class: 'errors' }, icon('alert'), plural(s.errors, 'error'))] : null, ' · ', h('time', null, time(s.start)), ' · ', h('code', null, s.traceId.slice(0, 8)))))
}
