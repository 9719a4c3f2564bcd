// The map: which services call which, how often, how fast, and how often in vain.

import * as api from './api.js'
import { serviceClass } from './colour.js'
import { h, icon, iconButton, replace, svg } from './dom.js'
import { base, clip, count, duration, percent, rate } from './format.js'
import * as keys from './keys.js'
import { layOut } from './layers.js'
import { failure, waiting } from './notice.js'
import { setQuery, setTitle } from './router.js'
import { firstSteps } from './firststeps.js'

const size = { width: 184, height: 62 }
const every = 8000 // milliseconds between two looks at the viewer
const kinds = { service: 'service', database: 'database', messaging: 'messaging', external: 'external' }

export function open({ main, query, signal }) {
  let since = query.get('since') ?? ''
  let chosen = query.get('node')
  let data = null
  let laid = null // the layout, kept while the same nodes call each other
  let services = []
  let view = { x: 0, y: 0, scale: 1 }
  let fitted = true
  setTitle('Map')

  const range = h('select', { 'aria-label': 'Time', onchange: () => { since = range.value; keep(); load() } },
    [['', 'All time'], ['5m', 'Last 5 minutes'], ['15m', 'Last 15 minutes'], ['1h', 'Last hour'], ['24h', 'Last day']].map(([v, text]) => h('option', { value: v, selected: v === since }, text)))
  const world = svg('g', null)
  const picture = svg('svg', { class: 'map', role: 'group', 'aria-label': 'Map of the services; the table beside it says the same' }, arrows(), world)
  const panel = h('aside', { class: 'panel', 'aria-label': 'Services' })
  const blank = h('div', { class: 'list-blank' }, waiting('Asking for the map'))
  const holder = h('div', { class: 'map-holder' }, picture,
    h('div', { class: 'map-tools' }, range,
      h('span', { class: 'group' },
        iconButton('minus', 'Zoom out', () => zoom(0.8)), iconButton('plus', 'Zoom in', () => zoom(1.25)), iconButton('fit', 'Fit the map', fit))))
  const whole = h('div', { class: 'map-body', hidden: true }, holder, panel)
  main.append(h('div', { class: 'view map-view' }, h('h1', { class: 'visually-hidden', tabindex: -1 }, 'Map of services'), blank, whole))

  const resize = new ResizeObserver(() => { if (fitted) fit() })
  resize.observe(holder)
  signal.addEventListener('abort', () => resize.disconnect())
  picture.addEventListener('pointerdown', pan)
  picture.addEventListener('wheel', (event) => {
    event.preventDefault()
    if (event.ctrlKey || event.metaKey) zoom(Math.exp(-event.deltaY * 0.002), event)
    else {
      view.x -= event.deltaX
      view.y -= event.deltaY
      fitted = false
      move()
    }
  }, { passive: false })
  keys.bind('Map', [
    { keys: ['+', '='], shown: ['+'], what: 'Zoom in', run: () => zoom(1.25) },
    { keys: ['-'], what: 'Zoom out', run: () => zoom(0.8) },
    { keys: ['0'], what: 'Fit the map', run: fit },
    { keys: ['Escape'], what: 'All services', run: () => choose(null) },
  ])
  follow()

  async function follow() {
    while (!signal.aborted) {
      if (!document.hidden) await load()
      await new Promise((resolve) => setTimeout(resolve, every))
    }
  }

  async function load() {
    try {
      const [map, list] = await Promise.all([api.map(since ? `since=${since}` : '', signal), api.services(signal)])
      if (signal.aborted) return
      services = list.services
      const before = data
      data = map
      const empty = map.nodes.length === 0
      whole.hidden = empty
      blank.hidden = !empty
      if (empty) {
        replace(blank, since ? h('div', { class: 'blank' }, h('h2', null, 'Nothing happened in this time'), h('button', { type: 'button', class: 'button', onclick: () => { since = range.value = ''; keep(); load() } }, 'Show all time')) : firstSteps())
        return
      }
      if (JSON.stringify(before) !== JSON.stringify(map)) draw()
    } catch (error) {
      if (signal.aborted) return
      whole.hidden = true
      blank.hidden = false
      data = null
      replace(blank, failure(error, load))
    }
  }

  // --- the picture ------------------------------------------------------------------------

  function draw() {
    const down = holder.clientWidth < 620
    const shape = JSON.stringify([down, data.nodes.map((n) => n.id).sort(), data.edges.map((e) => [e.from, e.to]).sort()])
    if (laid?.shape !== shape) {
      const known = new Set(data.nodes.map((n) => n.id))
      const edges = data.edges.filter((e) => known.has(e.from) && known.has(e.to)).map(({ from, to }) => ({ from, to }))
      const nodes = data.nodes.map(({ id }) => ({ id, breadth: down ? size.width : size.height, length: down ? size.height : size.width }))
      const result = layOut(nodes, edges, { layerGap: down ? 56 : 96, nodeGap: 26 })
      const point = (p) => down ? { x: p.across, y: p.along } : { x: p.along, y: p.across }
      laid = {
        shape, down,
        nodes: new Map([...result.nodes].map(([id, p]) => [id, point(p)])),
        edges: new Map(edges.map((e, i) => [`${e.from}\n${e.to}`, result.edges[i].map(point)])),
        width: down ? result.across : result.along,
        height: down ? result.along : result.across,
      }
      fitted = true
    }
    const focused = document.activeElement?.dataset?.node
    const heaviest = Math.max(1, ...data.edges.map((e) => e.requests))
    replace(world, data.edges.map((e) => edge(e, heaviest)), data.nodes.map(node))
    if (focused) world.querySelector(`[data-node="${CSS.escape(focused)}"]`)?.focus()
    drawPanel()
    if (fitted) fit()
  }

  function edge(e, heaviest) {
    const points = laid.edges.get(`${e.from}\n${e.to}`)
    if (!points) return null
    const near = chosen === null || chosen === e.from || chosen === e.to
    const width = 1.25 + 2.75 * Math.log1p(e.requests) / Math.log1p(heaviest)
    const line = e.from === e.to ? loop(points[0]) : curve(points)
    const middle = e.from === e.to ? { x: points[0].x, y: points[0].y - size.height / 2 - 26 } : labelPlace(points)
    const bad = e.errors > 0
    return svg('g', { class: `edge${bad ? ' bad' : ''}${near ? '' : ' far'}` },
      svg('path', { class: 'edge-line', d: line, 'stroke-width': width.toFixed(2), 'marker-end': `url(#arrow${bad ? '-bad' : ''})` }),
      data.edges.length <= 24 || chosen !== null && near
        ? svg('text', { class: 'edge-label', x: middle.x, y: middle.y - 5 }, rate(e.rate), bad ? svg('tspan', { class: 'bad', x: middle.x, dy: 15 }, `${percent(e.errors / e.requests)} failed`) : null)
        : null,
      svg('title', null, `${clip(nameOf(e.from), 100)} → ${clip(nameOf(e.to), 100)}: ${count(e.requests)} requests, ${count(e.errors)} errors, p50 ${duration(e.p50)}, p95 ${duration(e.p95)}`))
  }

  // curve goes from the edge of the first node to that of the last, through the bends between.
  function curve(points) {
    const { down } = laid
    const half = down ? size.height / 2 : size.width / 2
    const key = down ? 'y' : 'x'
    const forward = points.at(-1)[key] > points[0][key]
    const path = points.map((p) => ({ ...p }))
    path[0][key] += forward ? half : -half
    path.at(-1)[key] -= forward ? half + 3 : -half - 3
    // An edge that runs backwards is led a little beside the one that runs forwards.
    if (!forward) for (const p of path) p[down ? 'x' : 'y'] += 10
    let d = `M${path[0].x} ${path[0].y}`
    for (let i = 1; i < path.length; i++) {
      const [a, b] = [path[i - 1], path[i]]
      const m = (a[key] + b[key]) / 2
      d += down ? `C${a.x} ${m} ${b.x} ${m} ${b.x} ${b.y}` : `C${m} ${a.y} ${m} ${b.y} ${b.x} ${b.y}`
    }
    return d
  }

  // labelPlace is the middle of an edge.
  function labelPlace(points) {
    const i = Math.floor((points.length - 1) / 2)
    const [a, b] = [points[i], points[i + 1]]
    return { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 }
  }

  function loop({ x, y }) {
    const top = y - size.height / 2
    return `M${x - 24} ${top}C${x - 34} ${top - 34} ${x + 34} ${top - 34} ${x + 24} ${top - 3}`
  }

  function node(n) {
    const { x, y } = laid.nodes.get(n.id)
    const bad = n.errors > 0
    const near = chosen === null || chosen === n.id || data.edges.some((e) => e.from === chosen && e.to === n.id || e.to === chosen && e.from === n.id)
    const shown = clip(n.kind === 'database' ? base(n.name) : n.name, 17)
    const facts = `${rate(n.rate)} · p95 ${duration(n.p95)}`
    const choosing = (event) => {
      event.stopPropagation()
      choose(chosen === n.id ? null : n.id)
    }
    return svg('g', {
      class: `node ${n.kind === 'service' ? serviceClass(n.name) : ''} ${n.kind}${bad ? ' bad' : ''}${chosen === n.id ? ' chosen' : ''}${near ? '' : ' far'}`, transform: `translate(${x - size.width / 2} ${y - size.height / 2})`,
      tabindex: 0, role: 'button', 'data-node': n.id, 'aria-pressed': String(chosen === n.id),
      onclick: choosing,
      onkeydown: (event) => { if (event.key === 'Enter' || event.key === ' ') { event.preventDefault(); choosing(event) } },
    },
    svg('rect', { class: 'node-box', width: size.width, height: size.height, rx: 6 }),
    svg('rect', { class: 'node-stripe', width: 4, height: size.height - 16, x: 8, y: 8, rx: 2 }),
    svg('g', { class: 'node-icon', transform: `translate(${size.width - 26} 10)` }, icon(kinds[n.kind] ?? 'service')),
    svg('text', { class: 'node-name', x: 20, y: 23 }, shown),
    svg('text', { class: 'node-facts', x: 20, y: 40 }, facts),
    svg('rect', { class: 'node-track', x: 20, y: 49, width: size.width - 32, height: 4, rx: 2 }),
    bad ? svg('rect', { class: 'node-errors', x: 20, y: 49, width: Math.max(4, (size.width - 32) * Math.min(1, n.errors / Math.max(1, n.requests))), height: 4, rx: 2 }) : null,
    svg('title', null, `${shown} ${facts}, ${n.kind}${shown === n.name ? '' : ` ${clip(n.name, 200)}`}, ${count(n.requests)} requests, ${count(n.errors)} errors`))
  }

  function nameOf(id) {
    return data.nodes.find((n) => n.id === id)?.name ?? id
  }

  function move() {
    world.setAttribute('transform', `translate(${view.x} ${view.y}) scale(${view.scale})`)
  }

  function fit() {
    if (!laid || holder.clientWidth === 0) return
    const { clientWidth: w, clientHeight: t } = holder
    const small = w < 620
    const margin = small ? 12 : 40
    // On a small screen a part that can be read is better than a whole that cannot.
    const scale = Math.max(small ? 0.5 : 0.3, Math.min(1.15, (w - 2 * margin) / laid.width, (t - 2 * margin - 24) / laid.height))
    view = { scale, x: (w - laid.width * scale) / 2, y: (t + 24 - laid.height * scale) / 2 }
    fitted = true
    move()
  }

  function zoom(factor, event) {
    const box = holder.getBoundingClientRect()
    const x = event ? event.clientX - box.left : box.width / 2
    const y = event ? event.clientY - box.top : box.height / 2
    const scale = Math.min(4, Math.max(0.1, view.scale * factor))
    view = { scale, x: x - (x - view.x) * scale / view.scale, y: y - (y - view.y) * scale / view.scale }
    fitted = false
    move()
  }

  function pan(event) {
    if (event.button !== 0 || event.target.closest('.node')) return
    const from = { x: event.clientX - view.x, y: event.clientY - view.y }
    picture.setPointerCapture(event.pointerId)
    const drag = (e) => {
      view.x = e.clientX - from.x
      view.y = e.clientY - from.y
      fitted = false
      move()
    }
    picture.addEventListener('pointermove', drag)
    picture.addEventListener('lostpointercapture', () => picture.removeEventListener('pointermove', drag), { once: true })
  }

  // --- the panel --------------------------------------------------------------------------

  function choose(id) {
    chosen = id
    keep(true)
    draw()
    if (id) panel.querySelector('h2')?.focus({ preventScroll: true })
  }

  function keep(push = false) {
    const parameters = new URLSearchParams()
    if (since) parameters.set('since', since)
    if (chosen) parameters.set('node', chosen)
    setQuery(parameters, { push })
  }

  function drawPanel() {
    const scroll = panel.scrollTop
    const n = data.nodes.find((other) => other.id === chosen)
    if (n) replace(panel, one(n))
    else replace(panel, all())
    panel.scrollTop = scroll
  }

  function all() {
    return h('section', null, h('h2', { tabindex: -1 }, 'Services and what they call'), table([...data.nodes].sort((a, b) => b.requests - a.requests).map((n) => [choice(n.id), n])))
  }

  function one(n) {
    const operations = services.find((s) => s.name === n.name)?.operations ?? []
    const calls = data.edges.filter((e) => e.from === n.id)
    const callers = data.edges.filter((e) => e.to === n.id)
    return [
      h('header', { class: 'details-head' }, h('div', { class: 'details-title' },
        h('div', null, h('p', { class: 'details-service' }, mark(n), n.kind), h('h2', { tabindex: -1 }, clip(n.name, 200))),
        h('div', { class: 'details-buttons' }, iconButton('close', 'All services', () => choose(null)))),
      h('dl', { class: 'facts' }, [['Rate', rate(n.rate)], ['Requests', count(n.requests)], ['Errors', n.requests ? percent(n.errors / n.requests) : '0%'], ['p50', duration(n.p50)], ['p95', duration(n.p95)]].map(([k, v]) => h('div', null, h('dt', null, k), h('dd', null, v))))),
      n.kind === 'service' ? h('p', { class: 'links' },
        h('a', { class: 'button', href: `/?${new URLSearchParams({ service: n.name })}` }, 'Its traces'),
        n.errors > 0 ? h('a', { class: 'button', href: `/?${new URLSearchParams({ service: n.name, status: 'error' })}` }, icon('alert'), 'With errors') : null) : null,
      callers.length > 0 ? h('section', null, h('h3', null, 'Called by'), table(callers.map((e) => [choice(e.from), e]))) : null,
      calls.length > 0 ? h('section', null, h('h3', null, 'Calls'), table(calls.map((e) => [choice(e.to), e]))) : null,
      n.kind === 'service' && operations.length > 0 ? h('section', null, h('h3', null, 'Operations'), table([...operations].sort((a, b) => b.spans - a.spans).slice(0, 100).map((o) => [
        h('a', { href: `/?${new URLSearchParams({ service: n.name, name: o.name })}` }, clip(o.name, 120)), { requests: o.spans, errors: o.errors, p50: o.p50, p95: o.p95 }]))) : null,
    ]
  }

  function choice(id) {
    return h('button', { type: 'button', class: 'linkish', title: clip(nameOf(id), 200), onclick: () => choose(id) }, mark(data.nodes.find((n) => n.id === id)), clip(base(nameOf(id)), 60))
  }

  // Only services have colours of their own.
  function mark(n) {
    return n?.kind === 'service' ? h('span', { class: `mark ${serviceClass(n.name)}` }) : icon(kinds[n?.kind] ?? 'external')
  }

  function table(lines) {
    return h('table', { class: 'table' },
      h('thead', null, h('tr', null, h('th', { scope: 'col' }, 'Name'), ['Count', 'Errors', 'p50', 'p95'].map((name) => h('th', { scope: 'col', class: 'number' }, name)))),
      h('tbody', null, lines.map(([name, n]) => h('tr', null, h('th', { scope: 'row' }, name),
        h('td', { class: 'number' }, count(n.requests)),
        h('td', { class: 'number' }, n.errors > 0 ? h('span', { class: 'errors' }, percent(n.errors / Math.max(1, n.requests))) : '0'),
        h('td', { class: 'number' }, duration(n.p50)), h('td', { class: 'number' }, duration(n.p95))))))
  }

  return (next) => {
    chosen = next.get('node')
    const wanted = next.get('since') ?? ''
    if (wanted !== since) {
      since = range.value = wanted
      load()
    } else if (data) draw()
  }
}

function arrows() {
  return svg('defs', null, ['', '-bad'].map((kind) => svg('marker', { id: `arrow${kind}`, class: `arrow${kind}`, viewBox: '0 0 8 8', refX: 6, refY: 4, markerWidth: 8, markerHeight: 8, markerUnits: 'userSpaceOnUse', orient: 'auto' }, svg('path', { d: 'M0 0.5 8 4 0 7.5z' }))))
}
