// The list of traces, newest first, which grows at the top as they arrive.

import * as api from './api.js'
import { announce, h, icon, replace } from './dom.js'
import { ago, bytes, clip, count, duration, list as counts, plural, time, fullTime } from './format.js'
import { serviceClass } from './colour.js'
import { Feed, newestFirst } from './feed.js'
import { firstSteps } from './firststeps.js'
import * as keys from './keys.js'
import { confirmed, failure, toast, waiting } from './notice.js'
import { fromAddress, isEmpty, toAddress } from './query.js'
import { go, setQuery, setTitle } from './router.js'
import { Rows } from './rows.js'
import { Scatter } from './scatter.js'
import { searchBox } from './search.js'

// Up to two traces that were picked for comparison, also from their own view.
const picked = []

// pick marks a trace for comparison, or takes the mark away.
export function pick(summary) {
  const at = picked.findIndex((s) => s.traceId === summary.traceId)
  if (at >= 0) picked.splice(at, 1)
  else picked.push(summary)
  if (picked.length > 2) picked.splice(1, 1)
}

// titleOf names a trace: by its root span, or by the earliest one while that is missing.
export function titleOf(summary) {
  return summary.root.name
}

// Where the list was when it was left, for the way back.
let left = null

const columns = [
  { key: 'start', name: 'Time', order: newestFirst },
  { key: 'name', name: 'Trace', order: (a, b) => titleOf(a).localeCompare(titleOf(b)) },
  { key: 'errors', name: 'Status', order: (a, b) => b.errors - a.errors },
  { key: 'services', name: 'Services', order: (a, b) => b.services.length - a.services.length },
  { key: 'spans', name: 'Spans', order: (a, b) => b.spans - a.spans },
  { key: 'duration', name: 'Duration', order: (a, b) => b.duration - a.duration },
]

export function open({ main, query: address, signal }) {
  let query = fromAddress(address)
  let sort = address.get('sort') ?? 'start'
  let feed
  let shown = []
  let longest = 1
  let activeId = null
  let pending = false
  let knownServices = new Set()
  const fresh = new Map() // ids of traces that just came, and when
  const narrow = matchMedia('(max-width: 720px)')

  setTitle('Traces')
  const search = searchBox(query, (next) => change(next))
  const filters = h('div', { class: 'filters' })
  const live = h('button', { type: 'button', class: 'button live', onclick: () => pause(!feed.paused) })
  const banner = h('div', { class: 'banner', hidden: true })
  const head = h('div', { role: 'row', class: 'list-row list-head', 'aria-rowindex': 1 })
  const grid = h('div', { class: 'list', role: 'grid', tabindex: 0, 'aria-label': 'Traces', 'aria-describedby': 'list-hint' }, head)
  const blank = h('div', { class: 'list-blank' })
  const foot = h('div', { class: 'foot' })
  const tray = h('div', { class: 'tray', role: 'region', 'aria-label': 'Comparison', hidden: true })
  const scatter = new Scatter({
    titleOf, signal, chosen: (s) => go(`/trace/${s.traceId}`), ranged: (since, until) => change({ ...query, since, until }),
  })
  const rows = new Rows({ scroller: grid, count: () => shown.length, draw: row, height: () => narrow.matches ? 64 : 40, head: 32 })

  main.append(h('div', { class: 'view list-view' },
    h('h1', { class: 'visually-hidden', tabindex: -1 }, 'Traces'),
    h('p', { class: 'visually-hidden', id: 'list-hint' }, 'Arrow keys move, Enter opens a trace, c picks it for comparison.'),
    h('div', { class: 'list-top' }, search.element, h('div', { class: 'list-tools' }, filters, live)),
    scatter.element, banner, h('div', { class: 'list-middle' }, grid, blank), tray, foot))

  narrow.addEventListener('change', () => rows.refresh(), { signal })
  grid.addEventListener('scroll', () => {
    if (grid.scrollTop + grid.clientHeight > grid.scrollHeight - 600) feed.older()
  }, { passive: true, signal })
  grid.addEventListener('click', (event) => {
    const line = event.target.closest('.list-row[data-id]')
    if (!line || event.target.closest('a, button, input, label')) return
    go(`/trace/${line.dataset.id}`)
  })
  signal.addEventListener('abort', () => {
    feed.close()
    left = { address: String(toAddress(query)), feed, scrollTop: grid.scrollTop, activeId }
  })

  keys.bind('Traces', [
    { keys: ['j', 'ArrowDown'], what: 'Next trace', run: () => move(1) },
    { keys: ['k', 'ArrowUp'], what: 'Previous trace', run: () => move(-1) },
    { keys: ['PageDown'], run: () => move(10) },
    { keys: ['PageUp'], run: () => move(-10) },
    { keys: ['Home'], run: () => activate(0) },
    { keys: ['End'], run: () => activate(shown.length - 1) },
    { keys: ['Enter', 'o'], shown: ['Enter'], what: 'Open the trace', run: () => activeId && go(`/trace/${activeId}`) },
    { keys: ['/'], what: 'Search', run: search.focus },
    { keys: ['c'], what: 'Pick for comparison', run: () => { const s = feed.traces.get(activeId); if (s) toggle(s) } },
    { keys: ['C'], shown: ['⇧ c'], what: 'Compare the two picked', run: comparePicked },
    { keys: ['p'], what: 'Pause or go on', run: () => pause(!feed.paused) },
    { keys: ['Escape'], what: 'Clear the search', run: () => isEmpty(query) || change({ attribute: [] }) },
  ])

  feed = newFeed()
  const back = left?.address === String(toAddress(query)) ? left : null
  if (back) {
    feed.take(back.feed)
    activeId = back.activeId
  }
  drawAll()
  if (back) grid.scrollTop = back.scrollTop
  feed.open()
  keepStatus()

  // --- what is shown ----------------------------------------------------------------------

  function drawAll() {
    search.show(query)
    drawFilters()
    drawHead()
    drawLive()
    drawTray()
    refresh()
  }

  function refresh() {
    pending = false
    shown = feed.sorted(columns.find((c) => c.key === sort)?.order ?? newestFirst)
    longest = Math.max(1, ...shown.map((s) => s.duration))
    rows.active = shown.findIndex((s) => s.traceId === activeId)
    if (rows.active < 0) grid.removeAttribute('aria-activedescendant')
    grid.setAttribute('aria-rowcount', shown.length + 1)
    rows.refresh()
    scatter.element.hidden = shown.length < 2
    scatter.draw(shown)
    grid.hidden = shown.length === 0
    blank.hidden = shown.length > 0
    if (shown.length === 0) drawBlank()
  }

  // Changes come faster than anybody reads, so they are drawn a few times a second.
  function soon() {
    if (pending) return
    pending = true
    setTimeout(() => {
      if (signal.aborted) return
      const anchor = grid.scrollTop > 40 ? topmost() : null
      refresh()
      if (!banner.hidden || feed.paused) drawLive()
      if (anchor) grid.scrollTop += (shown.findIndex((s) => s.traceId === anchor.id) - anchor.index) * rows.height()
    }, shown.length === 0 ? 20 : 200)
  }

  // What is being read stays where it is when others come above it.
  function topmost() {
    const index = Math.floor(grid.scrollTop / rows.height())
    return shown[index] ? { id: shown[index].traceId, index } : null
  }

  function row(i) {
    const s = shown[i]
    const isPicked = picked.some((p) => p.traceId === s.traceId)
    const came = fresh.get(s.traceId)
    const classes = ['list-row']
    if (s.traceId === activeId) classes.push('active')
    if (s.errors > 0) classes.push('has-errors')
    if (came !== undefined && performance.now() - came < 1500) classes.push('fresh')
    const { service } = s.root
    const cell = (className, ...children) => h('div', { role: 'gridcell', class: className }, children)
    return h('div', { role: 'row', class: classes.join(' '), id: `trace-${s.traceId}`, 'data-id': s.traceId, 'aria-rowindex': i + 2, 'aria-selected': s.traceId === activeId ? 'true' : 'false' },
      cell('c-pick', h('label', { class: 'pick' }, h('input', { type: 'checkbox', tabindex: -1, checked: isPicked, 'aria-label': `Pick ${clip(titleOf(s), 80)} for comparison`, onchange: () => toggle(s) }))),
      cell('c-time', h('time', { title: `${fullTime(s.start)}, ${ago(s.start)}` }, time(s.start))),
      cell('c-name', h('a', { href: `/trace/${s.traceId}`, tabindex: -1, title: clip(`${service}: ${titleOf(s)}`, 500) },
        h('span', { class: `mark ${serviceClass(service)}` }), h('span', { class: 'service-name' }, clip(service, 80)), ' ', h('span', { class: s.complete ? 'name' : 'name missing' }, clip(titleOf(s))))),
      cell('c-status', status(s)),
      cell('c-services', services(s)),
      cell('c-spans', count(s.spans), s.logs > 0 ? h('span', { class: 'c-logs' }, plural(s.logs, 'log')) : null),
      cell('c-duration', h('span', { class: 'bar-track', 'aria-hidden': 'true' }, h('span', { class: 'bar-fill', style: { width: `${share(s) * 100}%` } })), h('span', { class: 'number' }, duration(s.duration))))
  }

  // On a logarithmic scale, since the longest is often a thousand times as long as the others.
  function share(s) {
    return Math.log1p(s.duration / 1e5) / Math.log1p(longest / 1e5)
  }

  function status(s) {
    const code = s.root.statusCode
    return [
      code ? h('span', { class: `code code-${String(code)[0]}` }, code) : null,
      s.errors > 0 ? h('span', { class: 'errors' }, icon('alert'), h('span', null, plural(s.errors, 'error'))) : null,
      s.complete ? null : h('span', { class: 'open', title: 'Spans are still missing' }, 'incomplete'),
    ]
  }

  function services(s) {
    const others = s.services.length - 3
    return h('span', { class: 'service-chips', title: clip(s.services.map((v) => `${v.name} (${plural(v.spans, 'span')})`).join('\n'), 2000) },
      s.services.slice(0, 3).map((v) => h('span', { class: 'service-chip' }, h('span', { class: `mark ${serviceClass(v.name)}` }), h('span', null, clip(v.name, 40)))),
      others > 0 ? h('span', { class: 'more' }, `+${others}`) : null)
  }

  function drawHead() {
    replace(head,
      h('div', { role: 'columnheader', class: 'c-pick' }, h('span', { class: 'visually-hidden' }, 'Comparison')),
      columns.map((c) => h('div', { role: 'columnheader', class: `c-${{ start: 'time', errors: 'status' }[c.key] ?? c.key}`, 'aria-sort': c.key === sort ? (c.key === 'name' ? 'ascending' : 'descending') : null },
        h('button', { type: 'button', class: 'sort', onclick: () => { sort = c.key; keep(); drawHead(); refresh() } }, c.name, c.key === sort ? icon('chevron') : null))))
  }

  async function drawFilters() {
    const { services: all } = await api.services(signal).catch(() => ({ services: [] }))
    if (signal.aborted || filters.contains(document.activeElement)) return
    knownServices = new Set(all.map((s) => s.name))
    const choice = (label, field, options) => {
      const value = query[field] ?? ''
      if (value && !options.some(([v]) => v === value)) options.push([value, value])
      const select = h('select', { 'aria-label': label, class: value ? 'set' : null, onchange: () => change({ ...query, [field]: select.value || undefined }) },
        options.map(([v, text]) => h('option', { value: v, selected: v === value }, clip(text, 60))))
      return select
    }
    replace(filters,
      choice('Service', 'service', [['', 'Any service'], ...all.map((s) => [s.name, s.name])]),
      choice('Status', 'status', [['', 'Any status'], ['error', 'With errors']]),
      choice('Duration', 'minDuration', [['', 'Any duration'], ...['10ms', '50ms', '100ms', '500ms', '1s', '5s'].map((d) => [d, `≥ ${d}`])]),
      choice('Time', 'since', [['', 'Any time'], ['5m', 'Last 5 minutes'], ['15m', 'Last 15 minutes'], ['1h', 'Last hour'], ['24h', 'Last day']]))
  }

  function drawLive() {
    const { paused, held, traces } = feed
    replace(live, icon(paused ? 'play' : 'pause'), paused ? 'Paused' : 'Live')
    live.setAttribute('aria-pressed', String(paused))
    live.title = paused ? 'Go on showing traces as they arrive' : 'Hold the list still'
    live.classList.toggle('paused', paused)
    const came = [...held.keys()].filter((id) => !traces.has(id)).length
    if (held.size > 0) showBanner(came > 0 ? `${plural(came, 'trace')} came meanwhile` : `${plural(held.size, 'trace')} changed meanwhile`, 'Show', () => pause(false))
    else banner.hidden = true
  }

  function showBanner(text, action, run, error) {
    banner.hidden = false
    banner.className = error ? 'banner error' : 'banner'
    replace(banner, h('span', null, text), h('button', { type: 'button', class: 'button', onclick: run }, action))
  }

  function drawBlank() {
    if (!feed.complete) replace(blank, waiting('Asking for traces'))
    else if (isEmpty(query)) replace(blank, firstSteps())
    else {
      replace(blank, h('div', { class: 'blank' }, icon('search'), h('h2', null, 'No trace matches'),
        h('p', null, 'Those that do will appear here as they arrive.'),
        h('button', { type: 'button', class: 'button', onclick: () => change({ attribute: [] }) }, 'Clear the search')))
    }
  }

  function drawTray() {
    tray.hidden = picked.length === 0
    if (tray.hidden) return
    const name = (s, letter) => h('span', { class: 'tray-trace' }, h('b', { class: `letter letter-${letter.toLowerCase()}` }, letter), s ? [h('span', { class: 'name' }, clip(titleOf(s), 80)), ' ', h('span', { class: 'number' }, duration(s.duration))] : h('span', { class: 'missing' }, 'pick another trace'))
    replace(tray, name(picked[0], 'A'), name(picked[1], 'B'),
      h('button', { type: 'button', class: 'button primary', disabled: picked.length < 2, onclick: comparePicked }, icon('compare'), 'Compare'),
      h('button', { type: 'button', class: 'button', onclick: () => { picked.length = 0; drawTray(); rows.refresh() } }, 'Cancel'))
  }

  // --- what can be done -------------------------------------------------------------------

  function keep(options) {
    const parameters = toAddress(query)
    if (sort !== 'start') parameters.set('sort', sort)
    setQuery(parameters, options)
  }

  function change(next) {
    query = next
    keep({ push: true })
    restart()
  }

  function restart() {
    feed.close()
    feed = newFeed()
    grid.scrollTop = 0
    drawAll()
    feed.open()
  }

  function pause(on) {
    feed.pause(on)
    refresh()
    drawLive()
    announce(on ? 'Paused' : 'Live')
  }

  function move(step) {
    activate(rows.active < 0 ? 0 : Math.min(shown.length - 1, Math.max(0, rows.active + step)))
  }

  function activate(i) {
    if (!shown[i]) return
    const before = rows.active
    activeId = shown[i].traceId
    rows.active = i
    rows.reveal(i)
    rows.update(before)
    rows.update(i)
    grid.setAttribute('aria-activedescendant', `trace-${activeId}`)
    grid.focus({ preventScroll: true })
  }

  function toggle(s) {
    pick(s)
    drawTray()
    rows.refresh()
    announce(`${picked.length} of 2 traces picked`)
  }

  function comparePicked() {
    if (picked.length === 2) go(`/compare/${picked[0].traceId}/${picked[1].traceId}`)
  }

  // --- what the feed says -----------------------------------------------------------------

  function newFeed() {
    return new Feed({ query, changed: soon, arrived, failed })
  }

  function failed(error, seconds) {
    if (seconds !== null && feed.traces.size > 0) {
      showBanner(`${error.message}. Trying again in ${seconds} s.`, 'Try now', () => feed.open(), true)
      return
    }
    // What is refused for its search is asked for again without it.
    replace(blank, failure(error, () => seconds === null ? change({ attribute: [] }) : feed.open()))
    grid.hidden = true
    blank.hidden = false
  }

  // New traces are told to screen readers in bundles.
  let news = 0
  let bad = 0
  function arrived(summary) {
    fresh.set(summary.traceId, performance.now())
    if (summary.services.some((s) => !knownServices.has(s.name))) servicesSoon()
    if (summary.errors > 0) bad++
    if (news++ > 0) return
    setTimeout(() => {
      if (!signal.aborted) announce(`${plural(news, 'new trace')}${bad > 0 ? `, ${bad} with errors` : ''}`)
      news = bad = 0
      fresh.clear()
    }, 4000)
  }

  // A service that is new becomes a choice of its filter.
  let askingServices = false
  function servicesSoon() {
    if (askingServices) return
    askingServices = true
    setTimeout(async () => {
      if (!signal.aborted) await drawFilters()
      askingServices = false
    }, 1000)
  }

  async function keepStatus() {
    while (!signal.aborted) {
      if (!document.hidden) {
        try {
          const s = await api.status(signal)
          if (signal.aborted) return
          replace(foot,
            h('span', null, `${counts([s.traces, 'trace'], [s.spans, 'span'], [s.logs, 'log']) || 'Nothing'} kept`),
            s.capacityBytes ? h('span', null, `${bytes(s.bytes)} of ${bytes(s.capacityBytes)}`) : null,
            s.evictedTraces > 0 ? h('span', { title: 'They made room for newer ones' }, `${plural(s.evictedTraces, 'older trace')} forgotten`) : null,
            s.problem ? h('span', { class: 'errors' }, icon('alert'), s.problem) : null,
            s.droppedSpans > 0 ? h('span', { class: 'errors' }, icon('alert'), `${plural(s.droppedSpans, 'span')} dropped`) : null,
            h('span', { class: 'foot-end' }, `OTLP/HTTP at ${location.origin}`, s.version ? ` · ${s.version}` : ''),
            s.traces > 0 ? h('button', { type: 'button', class: 'button quiet small', onclick: forget }, icon('trash'), 'Forget all') : null)
        } catch {
          // The stream says it.
        }
      }
      await new Promise((resolve) => setTimeout(resolve, 5000))
    }
  }

  async function forget() {
    if (!await confirmed('Forget all traces?', 'The viewer deletes every trace and log that it keeps. Export first what you need.', 'Forget all')) return
    try {
      await api.forget()
      toast('All traces are forgotten')
      restart()
    } catch (error) {
      toast(error.message, { error: true })
    }
  }

  return (next) => {
    query = fromAddress(next)
    sort = next.get('sort') ?? 'start'
    restart()
  }
}
