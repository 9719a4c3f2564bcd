// One trace: the waterfall, and beside it the details of the chosen span, or else the trace as a whole.

import * as api from './api.js'
import { serviceClass } from './colour.js'
import { announce, copy, copyButton, h, icon, iconButton, replace } from './dom.js'
import { showDetails } from './details.js'
import { ago, clip, count, duration, fullTime, percent, plural, time } from './format.js'
import * as keys from './keys.js'
import { pick, titleOf } from './list.js'
import { logTable } from './logs.js'
import { failure, toast, waiting } from './notice.js'
import { go, setQuery, setTitle } from './router.js'
import { splitter } from './splitter.js'
import { TraceModel } from './tracemodel.js'
import { Waterfall } from './waterfall.js'

export function open({ main, parameters: [traceId], signal }) {
  traceId = traceId.toLowerCase()
  const view = h('div', { class: 'view trace-view' })
  main.append(view)
  let shown = null // what takes a new query
  let loaded = new AbortController() // aborted when the trace is loaded again, or left
  signal.addEventListener('abort', () => loaded.abort())
  setTitle('Trace')
  load()

  async function load() {
    loaded.abort()
    loaded = new AbortController()
    replace(view, h('h1', { class: 'visually-hidden', tabindex: -1 }, 'Trace'), waiting('Asking for the trace'))
    let answer
    let logs
    try {
      [answer, logs] = await Promise.all([api.trace(traceId, signal), api.logs(traceId, signal).catch(() => [])])
    } catch (error) {
      if (signal.aborted) return
      replace(view, h('h1', { class: 'visually-hidden', tabindex: -1 }, 'Trace'), failure(error, load), h('p', { class: 'blank-link' }, h('a', { href: '/' }, 'All traces')))
      return
    }
    if (signal.aborted) return
    shown = show(view, new TraceModel(answer), logs, new URLSearchParams(location.search), loaded.signal, load)
  }

  return (next) => shown?.(next)
}

function show(view, model, logs, query, signal, reload) {
  const { summary } = model
  const wide = matchMedia('(min-width: 1000px)')
  let request = new AbortController()
  let following // the timer of the details that follow the cursor
  setTitle(`${clip(summary.root.service, 60)}: ${clip(titleOf(summary), 100)}`)

  const panel = h('aside', { class: 'panel', 'aria-label': 'Details' })
  const water = new Waterfall({ model, logs, signal, selected: (i) => choose(i, { push: true }), moved })
  const search = h('input', { type: 'search', class: 'input', placeholder: 'Find spans', 'aria-label': 'Find spans in this trace', 'aria-keyshortcuts': '/', oninput: find, onkeydown: searchKey })
  const found = h('span', { class: 'found', role: 'status' })
  const critical = toggleButton('path', 'Critical path', 'Show which spans the duration consists of (x)', water.showCritical, (on) => { water.showCritical = on; water.refresh() })
  critical.hidden = model.critical.size === 0
  const news = h('div', { class: 'banner', hidden: true })

  const tools = h('div', { class: 'trace-tools', role: 'toolbar', 'aria-label': 'Waterfall' },
    search, found,
    model.errors.length > 0 ? h('button', { type: 'button', class: 'button errors', title: 'Next error (e)', onclick: () => water.next(model.errors, 1) }, icon('alert'), plural(model.errors.length, 'error')) : null,
    critical,
    h('span', { class: 'group' },
      iconButton('collapse', 'Collapse all', () => water.collapseAll(1)),
      iconButton('expand', 'Expand all', () => water.collapseAll(Infinity))),
    h('span', { class: 'group' },
      iconButton('minus', 'Zoom out', () => water.zoomBy(2)),
      iconButton('plus', 'Zoom in', () => water.zoomBy(0.5)),
      iconButton('fit', 'Show the whole time', () => water.reset())))

  const body = h('div', { class: 'trace-body' })
  const side = splitter({ label: 'Width of the details', target: body, property: '--panel', unit: 'px', least: 280, most: 900, initial: 420, towards: -1 })
  body.append(h('div', { class: 'trace-left' }, tools, water.element), side, panel)
  replace(view, head(), news, body)
  water.refresh()

  const bindings = [
    { keys: ['j', 'ArrowDown'], what: 'Next span', run: () => water.step(1) },
    { keys: ['k', 'ArrowUp'], what: 'Previous span', run: () => water.step(-1) },
    { keys: ['ArrowRight', 'l'], shown: ['ArrowRight'], what: 'Expand, or go to the first child', run: () => water.inward() },
    { keys: ['ArrowLeft', 'h'], shown: ['ArrowLeft'], what: 'Collapse, or go to the parent', run: () => water.outward() },
    { keys: ['PageDown'], run: () => water.step(15) },
    { keys: ['PageUp'], run: () => water.step(-15) },
    { keys: ['Home'], what: 'First span', run: () => water.move(0) },
    { keys: ['End'], what: 'Last span', run: () => water.move(model.visible.at(-1)) },
    { keys: ['Enter', ' '], shown: ['Enter'], what: 'Show the details', run: () => water.cursor >= 0 && choose(water.cursor, { push: true, focus: true }) },
    { keys: ['Escape'], what: 'Close the details; then back to the list', run: escape },
    { keys: ['e'], what: 'Next error', run: () => water.next(model.errors, 1) },
    { keys: ['E', 'Shift+E'], shown: ['⇧ e'], what: 'Previous error', run: () => water.next(model.errors, -1) },
    { keys: ['/'], what: 'Find spans', run: () => { search.focus(); search.select() } },
    { keys: ['n'], what: 'Next span found', run: () => water.next(matches(), 1) },
    { keys: ['N'], shown: ['⇧ n'], what: 'Previous span found', run: () => water.next(matches(), -1) },
    { keys: ['x'], what: 'Critical path on or off', run: () => critical.click() },
    { keys: ['*'], what: 'Expand all', run: () => water.collapseAll(Infinity) },
    { keys: ['_'], what: 'Collapse all', run: () => water.collapseAll(1) },
    { keys: ['+', '='], shown: ['+'], what: 'Zoom in', run: () => water.zoomBy(0.5) },
    { keys: ['-'], what: 'Zoom out', run: () => water.zoomBy(2) },
    { keys: ['z'], what: 'Zoom to the span', run: () => water.cursor >= 0 && water.zoomTo(water.cursor) },
    { keys: ['0'], what: 'Show the whole time', run: () => water.reset() },
    { keys: ['Shift+ArrowLeft', 'Shift+ArrowRight'], what: 'Move the time', run: (event) => water.pan(event.key === 'ArrowLeft' ? -0.25 : 0.25) },
    { keys: ['c'], what: 'Compare with another trace', run: compare },
    { keys: ['y'], what: 'Copy the link to this view', run: copyLink },
  ]
  keys.bind('Trace', bindings)
  signal.addEventListener('abort', () => request.abort())
  apply(query)
  watch()

  function head() {
    const { root } = summary
    return h('div', { class: 'trace-head' },
      h('div', { class: 'trace-title' },
        h('a', { class: 'back', href: '/', 'aria-label': 'All traces', title: 'All traces' }, icon('chevron')),
        h('h1', { tabindex: -1 }, h('span', { class: `mark ${serviceClass(root.service)}` }), h('span', { class: 'service-name' }, clip(root.service, 80)), ' ', h('span', { class: 'name' }, clip(titleOf(summary), 300))),
        root.statusCode ? h('span', { class: `code code-${String(root.statusCode)[0]}` }, root.statusCode) : null,
        summary.complete ? null : h('span', { class: 'tag', title: 'A parent of a span, or the root, is not here' }, 'incomplete')),
      h('dl', { class: 'trace-facts' },
        headFact('Duration', duration(summary.duration)),
        headFact('Spans', count(summary.spans)),
        headFact('Services', summary.services.length),
        headFact('Errors', summary.errors, summary.errors > 0 ? 'errors' : null),
        headFact('Started', h('time', { title: `${fullTime(summary.start)}, ${ago(summary.start)}` }, time(summary.start))),
        headFact('Trace', h('span', { class: 'id' }, h('code', { title: summary.traceId }, summary.traceId.slice(0, 8)), copyButton('Copy the trace id', () => summary.traceId)))),
      h('div', { class: 'trace-actions' },
        h('button', { type: 'button', class: 'button', title: 'Compare with another trace (c)', onclick: compare }, icon('compare'), h('span', { class: 'wide-only' }, 'Compare')),
        h('button', { type: 'button', class: 'button', title: 'Copy the link to this view (y)', onclick: copyLink }, icon('link'), h('span', { class: 'wide-only' }, 'Link')),
        h('a', { class: 'button', href: api.exportAddress(summary.traceId), download: `trace-${summary.traceId}.json`, title: 'Export as OTLP JSON' }, icon('download'), h('span', { class: 'wide-only' }, 'Export')),
        h('a', { class: 'button quiet small', href: api.exportAddress(summary.traceId, 'protobuf'), download: `trace-${summary.traceId}.pb`, title: 'Export as OTLP protobuf' }, '.pb')))
  }

  // --- the chosen span, which the address has too -----------------------------------------

  function apply(next) {
    const i = model.keys.get(next.get('span') ?? '')
    if (i === undefined) {
      if (next.get('span')) toast(`There is no span ${clip(next.get('span'), 32)} in this trace`, { error: true })
      return closePanel()
    }
    water.move(i, { centre: true, focus: false })
    openPanel(i)
  }

  function choose(i, { push = false, focus = false } = {}) {
    const before = water.chosen
    openPanel(i)
    setQuery(new URLSearchParams({ span: model.key(i) }), { push: push && before < 0 })
    if (focus || !wide.matches) panel.querySelector('h2')?.focus({ preventScroll: true })
  }

  // With room for both, the details follow the cursor, a moment later so that moving fast asks for nothing.
  function moved(i) {
    clearTimeout(following)
    if (wide.matches && water.chosen >= 0 && water.chosen !== i) following = setTimeout(() => signal.aborted || choose(i), 120)
  }

  function openPanel(i) {
    if (i === water.chosen) return
    request.abort()
    request = new AbortController()
    water.choose(i)
    view.classList.add('panel-open')
    showDetails(panel, { model, i, logs: logs.filter((l) => l.spanId === model.spans[i].spanId), closed: close, signal: request.signal })
    panel.scrollTop = 0
  }

  function closePanel() {
    request.abort()
    water.choose(-1)
    view.classList.remove('panel-open')
    replace(panel, whole())
  }

  function close() {
    setQuery('')
    closePanel()
    water.grid.focus({ preventScroll: true })
  }

  function escape() {
    if (search.value) {
      search.value = ''
      find()
    } else if (water.chosen >= 0) close()
    else go('/')
  }

  // --- the trace as a whole ---------------------------------------------------------------

  function whole() {
    const services = model.services()
    const most = Math.max(1, ...services.map((s) => s.self))
    const own = Math.max(1, services.reduce((sum, s) => sum + s.self, 0))
    return h('div', { class: 'whole' },
      h('section', null,
        h('h2', null, 'Where the time goes'),
        h('table', { class: 'table' },
          h('thead', null, h('tr', null, h('th', { scope: 'col' }, 'Service'), h('th', { scope: 'col', class: 'number' }, 'Spans'), h('th', { scope: 'col', class: 'number' }, 'Errors'), h('th', { scope: 'col', class: 'number' }, 'Own time'))),
          h('tbody', null, services.map((s) => h('tr', null,
            h('th', { scope: 'row' }, h('button', { type: 'button', class: 'linkish', title: 'Find its spans', onclick: () => { search.value = s.name; find() } }, h('span', { class: `mark ${serviceClass(s.name)}` }), clip(s.name, 60)),
              h('span', { class: `share ${serviceClass(s.name)}`, 'aria-hidden': 'true' }, h('span', { style: { width: `${s.self / most * 100}%` } }))),
            h('td', { class: 'number' }, count(s.spans)),
            h('td', { class: 'number' }, s.errors > 0 ? h('span', { class: 'errors' }, s.errors) : '0'),
            h('td', { class: 'number' }, duration(s.self), h('small', null, percent(s.self / own)))))))),
      model.errors.length > 0 ? h('section', null,
        h('h2', null, 'Errors'),
        h('ul', { class: 'plain' }, model.errors.slice(0, 50).map((i) => h('li', null, h('button', { type: 'button', class: 'linkish error-line', onclick: () => { water.move(i, { centre: true }); choose(i, { push: true }) } },
          icon('alert'), h('span', null, h('span', { class: 'service-name' }, clip(model.spans[i].service, 60)), ' ', clip(model.spans[i].name, 120), model.spans[i].statusMessage ? h('small', null, clip(model.spans[i].statusMessage, 200)) : null))))),
        model.errors.length > 50 ? h('p', { class: 'aside' }, `and ${count(model.errors.length - 50)} more: press e to go through them`) : null) : null,
      logs.length > 0 ? h('section', null, h('h2', null, 'Logs', h('span', { class: 'badge' }, logs.length)), logTable(logs, (log) => {
        const i = model.index.get(log.spanId)
        if (i === undefined) return
        water.move(i, { centre: true })
        choose(i, { push: true })
      })) : null,
      h('p', { class: 'aside' }, 'Choose a span to see what it carries. Press ', h('kbd', null, '?'), ' for the keys.'))
  }

  // --- finding ----------------------------------------------------------------------------

  function matches() {
    return water.matches ? [...water.matches].sort((a, b) => a - b) : []
  }

  function find() {
    const words = search.value.trim()
    water.matches = words ? new Set(model.find(words)) : null
    found.textContent = words ? `${count(water.matches.size)} found` : ''
    water.refresh()
    if (words && water.matches.size > 0 && !water.matches.has(water.cursor)) water.move(matches()[0], { centre: true, focus: false })
  }

  function searchKey(event) {
    if (event.key === 'Enter') {
      event.preventDefault()
      const list = matches()
      if (list.length === 0) return
      const at = event.shiftKey ? list.findLast((i) => i < water.cursor) ?? list.at(-1) : list.find((i) => i > water.cursor) ?? list[0]
      water.move(at, { centre: true, focus: false })
    } else if (event.key === 'Escape') {
      event.preventDefault()
      if (search.value) {
        search.value = ''
        find()
      } else {
        water.grid.focus()
      }
    }
  }

  // --- the rest ---------------------------------------------------------------------------

  function compare() {
    pick(summary)
    toast('Pick the trace to compare it with')
    go(`/?${new URLSearchParams({ service: summary.root.service, name: summary.root.name })}`)
  }

  async function copyLink() {
    if (await copy(location.href)) toast('The link is copied')
    else toast('The browser does not allow copying', { error: true })
  }

  // Spans that come while the trace is looked at do not move what is being read; they are offered.
  async function watch() {
    try {
      for await (const next of api.follow(new URLSearchParams({ traceId: summary.traceId, follow: 'true' }), signal)) {
        if (signal.aborted || next?.traceId !== summary.traceId) continue
        if (next.spans === summary.spans && next.logs === summary.logs) continue
        const text = next.spans > summary.spans ? `${plural(next.spans - summary.spans, 'more span')} arrived` : 'More has arrived'
        if (news.hidden) announce(text)
        news.hidden = false
        replace(news, h('span', null, text), h('button', { type: 'button', class: 'button', onclick: reload }, 'Show'))
      }
    } catch {
      // The trace is here; that it may not grow any more is no news.
    }
  }

  return apply
}

function headFact(name, value, className) {
  return h('div', { class: className }, h('dt', null, name), h('dd', null, value))
}

function toggleButton(shape, name, title, on, changed) {
  const button = h('button', { type: 'button', class: 'button toggle-button', title, 'aria-pressed': String(on), onclick: () => {
    on = !on
    button.setAttribute('aria-pressed', String(on))
    changed(on)
  } }, icon(shape), h('span', { class: 'wide-only' }, name))
  return button
}
