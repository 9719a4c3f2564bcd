// The waterfall: a tree of spans on the left, when each ran on the right, and a small picture of the whole above.

import { serviceClass } from './colour.js'
import { h, icon } from './dom.js'
import { dragAcross } from './drag.js'
import { base, clip, duration, plural, tick, ticks } from './format.js'
import { Minimap } from './minimap.js'
import { Rows } from './rows.js'
import { splitter } from './splitter.js'

const deepestIndent = 24 // levels; those below are indented like it

// Waterfall shows a TraceModel. selected(i) is called when a span is chosen, moved(i) when the cursor gets to it.
export class Waterfall {
  constructor({ model, logs, selected, moved, signal }) {
    this.model = model
    this.selected = selected
    this.moved = moved
    this.from = 0
    this.to = model.duration
    this.cursor = -1 // the span that has it
    this.chosen = -1
    this.matches = null // a Set while there is a search
    this.showCritical = model.critical.size > 0
    this.narrow = matchMedia('(max-width: 720px)')
    this.logs = new Map() // offsets by span
    for (const log of logs) this.addLog(log)

    this.ruler = h('div', { class: 'ruler', 'aria-hidden': 'true' })
    const head = h('div', { class: 'span-row span-head', role: 'row', 'aria-rowindex': 1 },
      h('div', { class: 'span-name', role: 'columnheader' }, 'Span'),
      h('div', { class: 'span-duration', role: 'columnheader' }, 'Duration'),
      h('div', { class: 'span-time', role: 'columnheader' }, h('span', { class: 'visually-hidden' }, 'Time'), this.ruler))
    this.grid = h('div', {
      class: 'spans', role: 'treegrid', tabindex: 0, 'aria-label': `Spans of ${clip(model.summary.root.name, 80)}`, 'aria-multiselectable': 'false',
      onclick: (event) => this.click(event),
    }, head)
    const frame = h('div', { class: 'spans-frame' }, this.grid)
    frame.append(splitter({
      label: 'Width of the span names', target: frame, property: '--names', unit: '%', least: 15, most: 70, initial: 38, towards: 1, full: () => this.grid.clientWidth,
    }))
    this.rows = new Rows({ scroller: this.grid, count: () => model.visible.length, draw: (row) => this.draw(row), height: () => this.narrow.matches ? 44 : 28, head: 28 })
    this.minimap = new Minimap({ model, zoomed: (from, to) => this.zoom(from, to), scroller: this.grid, signal })
    this.element = h('div', { class: 'waterfall' }, this.minimap.element, frame)

    this.narrow.addEventListener('change', () => this.refresh(), { signal })
    this.grid.addEventListener('wheel', (event) => this.wheel(event), { passive: false, signal })
    head.querySelector('.span-time').addEventListener('pointerdown', (event) => this.drag(event))
    this.grid.addEventListener('pointermove', (event) => this.point(event), { passive: true })
    this.cross = h('div', { class: 'cross', 'aria-hidden': 'true', hidden: true }, h('span'))
    this.band = h('div', { class: 'drag-band', hidden: true })
    this.ruler.append(this.band, this.cross)
    this.grid.addEventListener('pointerleave', () => { this.cross.hidden = true })
    this.refresh()
  }

  addLog(log) {
    if (!log.spanId) return
    const i = this.model.index.get(log.spanId)
    if (i === undefined) return
    if (!this.logs.has(i)) this.logs.set(i, [])
    this.logs.get(i).push(log)
  }

  // refresh draws everything anew: after collapsing, zooming or a search.
  refresh() {
    const { model } = this
    this.rows.active = this.cursor >= 0 ? model.row[this.cursor] : -1
    this.grid.setAttribute('aria-rowcount', model.visible.length + 1)
    this.grid.style.setProperty('--indent', `${Math.max(6, Math.min(16, 180 / Math.max(1, Math.min(model.deepest, deepestIndent))))}px`)
    this.rows.refresh()
    this.drawRuler()
    this.minimap.draw(this.from, this.to)
  }

  draw(row) {
    const { model } = this
    const i = model.visible[row]
    const s = model.spans[i]
    const parent = model.parent[i]
    const boundary = parent < 0 || model.spans[parent].service !== s.service
    const collapsed = model.collapsed.has(i)
    const hidden = collapsed ? model.end[i] - i - 1 : 0
    const classes = ['span-row', serviceClass(s.service)]
    if (i === this.cursor) classes.push('active')
    if (i === this.chosen) classes.push('chosen')
    if (s.status === 'error') classes.push('is-error')
    if (this.matches) classes.push(this.matches.has(i) ? 'match' : 'dim')
    const depth = Math.min(s.depth, deepestIndent)
    const expandable = model.hasChildren(i)
    return h('div', {
      class: classes.join(' '), role: 'row', id: `span-${i}`, 'data-span': i, style: { '--depth': depth },
      'aria-level': s.depth + 1, 'aria-rowindex': row + 2, 'aria-expanded': expandable ? String(!collapsed) : null, 'aria-selected': String(i === this.chosen),
    },
    h('div', { class: 'span-name', role: 'gridcell' },
      h('span', { class: 'guides', 'aria-hidden': 'true' }),
      expandable
        ? h('span', { class: 'toggle', 'aria-hidden': 'true' }, icon('chevron'))
        : h('span', { class: 'toggle leaf', 'aria-hidden': 'true' }),
      h('span', { class: 'mark' }),
      h('span', { class: 'span-text', title: clip(`${s.service}: ${s.name}`, 500) },
        s.missingParent ? h('span', { class: 'tag', title: `Its parent ${s.parentSpanId} is not here` }, 'parent missing') : null,
        h('span', { class: boundary ? 'service-name' : 'visually-hidden' }, clip(s.service, 60), ' '),
        h('span', { class: 'name' }, clip(s.name)),
        s.target ? h('span', { class: 'target', title: clip(s.target, 200) }, ' ', clip(base(s.target), 120)) : null),
      s.status === 'error' ? h('span', { class: 'error-mark' }, icon('alert'), h('span', { class: 'visually-hidden' }, 'error')) : null,
      collapsed && model.errorsBelow[i] > 0 && s.status !== 'error' ? h('span', { class: 'error-mark below', title: `${plural(model.errorsBelow[i], 'error')} below` }, icon('alert'), h('span', { class: 'visually-hidden' }, `${plural(model.errorsBelow[i], 'error')} below`)) : null,
      hidden > 0 ? h('span', { class: 'hidden-spans', title: `${plural(hidden, 'span')} hidden` }, `+${hidden}`) : null),
    h('div', { class: 'span-duration', role: 'gridcell' }, duration(s.duration)),
    h('div', { class: 'span-time', role: 'gridcell', 'aria-label': `begins at ${duration(s.start)}${model.critical.has(i) ? ', on the critical path' : ''}` }, this.bar(i)))
  }

  // bar draws when a span ran: solid where it was on the critical path, pale where it was not.
  bar(i) {
    const { model, from, to } = this
    const s = model.spans[i]
    const width = to - from
    const place = (start, length) => {
      const a = Math.max(from, start)
      const b = Math.min(to, start + length)
      return { left: `${(a - from) / width * 100}%`, width: `${Math.max(0, b - a) / width * 100}%` }
    }
    if (s.start > to || s.start + s.duration < from) {
      return h('span', { class: `beyond ${s.start > to ? 'after' : 'before'}` }, icon('chevron'))
    }
    const solid = this.showCritical ? (model.critical.get(i) ?? []) : [s]
    const many = solid.length > 200 ? merged(solid, width / 1000) : solid
    return [
      h('span', { class: 'bar', style: place(s.start, s.duration) }),
      many.filter((c) => c.start < to && c.start + c.duration > from).map((c) => h('span', { class: 'bar solid', style: place(c.start, c.duration) })),
      (this.logs.get(i) ?? []).slice(0, 100).filter((l) => l.offset >= from && l.offset <= to).map((l) => h('span', { class: l.severityNumber >= 17 ? 'log-mark bad' : 'log-mark', style: { left: `${(l.offset - from) / width * 100}%` } })),
    ]
  }

  drawRuler() {
    const { from, to } = this
    const width = to - from
    const steps = ticks(from, to, this.narrow.matches ? 3 : 6).filter((v) => (v - from) / width < 0.94)
    this.ruler.replaceChildren(...steps.map((v) => h('span', { class: 'tick', style: { left: `${(v - from) / width * 100}%` } }, tick(v))), this.band, this.cross)
    // The same lines go down through the rows.
    this.rows.holder.querySelector('.grid-lines')?.remove()
    this.rows.holder.prepend(h('div', { class: 'grid-lines', 'aria-hidden': 'true' }, h('div', { class: 'grid-area' }, steps.map((v) => h('span', { style: { left: `${(v - from) / width * 100}%` } })))))
  }

  // zoom shows the time between two offsets.
  zoom(from, to) {
    const all = this.model.duration
    const least = Math.max(1, all / 1e6)
    const width = Math.min(all, Math.max(least, to - from))
    this.from = Math.min(Math.max(0, from), all - width)
    this.to = this.from + width
    this.refresh()
  }

  // zoomBy makes the time that is shown longer or shorter, around a middle.
  zoomBy(factor, middle) {
    const width = this.to - this.from
    middle ??= this.cursor >= 0 ? this.model.spans[this.cursor].start + this.model.spans[this.cursor].duration / 2 : this.from + width / 2
    middle = Math.min(this.to, Math.max(this.from, middle))
    const left = (middle - this.from) / width
    this.zoom(middle - left * width * factor, middle + (1 - left) * width * factor)
  }

  pan(share) {
    const by = (this.to - this.from) * share
    this.zoom(this.from + by, this.to + by)
  }

  // zoomTo shows the time of one span.
  zoomTo(i) {
    const s = this.model.spans[i]
    const margin = s.duration * 0.05
    this.zoom(s.start - margin, s.start + s.duration + margin)
  }

  reset() {
    this.zoom(0, this.model.duration)
  }

  // move puts the cursor on a span and shows it.
  move(i, { centre = false, focus = true } = {}) {
    if (i < 0 || i >= this.model.spans.length) return
    const rowsBefore = this.model.visible
    this.model.uncover(i)
    const before = this.cursor
    this.cursor = i
    this.rows.active = this.model.row[i]
    if (this.model.visible !== rowsBefore) this.refresh()
    this.rows.reveal(this.model.row[i], { centre })
    if (before >= 0 && this.model.row[before] >= 0) this.rows.update(this.model.row[before])
    this.rows.update(this.model.row[i])
    this.grid.setAttribute('aria-activedescendant', `span-${i}`)
    if (focus) this.grid.focus({ preventScroll: true })
    this.moved(i)
  }

  // step moves the cursor by rows.
  step(by) {
    const row = this.cursor < 0 || this.model.row[this.cursor] < 0 ? (by > 0 ? 0 : this.model.visible.length - 1) : this.model.row[this.cursor] + by
    this.move(this.model.visible[Math.min(this.model.visible.length - 1, Math.max(0, row))])
  }

  // next moves to the next of the spans in a list, around the end.
  next(list, step) {
    if (list.length === 0) return
    const at = step > 0 ? list.find((i) => i > this.cursor) : list.findLast((i) => i < this.cursor)
    this.move(at ?? list.at(step > 0 ? 0 : -1), { centre: true })
  }

  collapse(i, on) {
    this.model.collapse(i, on)
    if (this.cursor >= 0 && this.model.row[this.cursor] < 0) this.move(i)
    this.refresh()
  }

  collapseAll(depth) {
    this.model.collapseAll(depth)
    while (this.cursor >= 0 && this.model.row[this.cursor] < 0) this.cursor = this.model.parent[this.cursor]
    this.refresh()
    if (this.cursor >= 0) this.rows.reveal(this.model.row[this.cursor])
  }

  // inward and outward are the right and left arrow keys of a tree.
  inward() {
    const i = this.cursor
    if (i < 0) return this.step(1)
    if (this.model.collapsed.has(i)) this.collapse(i, false)
    else if (this.model.hasChildren(i)) this.move(i + 1)
  }

  outward() {
    const i = this.cursor
    if (i < 0) return
    if (this.model.hasChildren(i) && !this.model.collapsed.has(i)) this.collapse(i, true)
    else if (this.model.parent[i] >= 0) this.move(this.model.parent[i])
  }

  choose(i) {
    const before = this.chosen
    this.chosen = i
    for (const j of [before, i]) if (j >= 0 && this.model.row[j] >= 0) this.rows.update(this.model.row[j])
    this.minimap.draw(this.from, this.to)
  }

  click(event) {
    const line = event.target.closest('[data-span]')
    if (!line) return
    const i = Number(line.dataset.span)
    if (event.target.closest('.toggle') && this.model.hasChildren(i)) return this.collapse(i, !this.model.collapsed.has(i))
    if (event.target.closest('.beyond')) return this.reset()
    this.move(i)
    this.selected(i)
  }

  wheel(event) {
    if (!event.ctrlKey && !event.metaKey) return
    event.preventDefault()
    this.zoomBy(Math.exp(event.deltaY * 0.002), this.at(event))
  }

  // at is the offset of the time under the pointer.
  at(event) {
    const box = this.ruler.getBoundingClientRect()
    return this.from + Math.min(1, Math.max(0, (event.clientX - box.left) / box.width)) * (this.to - this.from)
  }

  drag(event) {
    const at = (place) => this.from + place / this.ruler.clientWidth * (this.to - this.from)
    dragAcross(event, { frame: this.ruler, band: this.band, chosen: (begin, end) => this.zoom(at(begin), at(end)) })
  }

  point(event) {
    const box = this.ruler.getBoundingClientRect()
    const outside = event.pointerType === 'touch' || event.clientX < box.left || event.clientX > box.right
    this.cross.hidden = outside
    if (outside) return
    this.cross.style.left = `${(event.clientX - box.left) / box.width * 100}%`
    this.cross.style.height = `${this.grid.clientHeight}px`
    this.cross.firstChild.textContent = duration(this.at(event))
  }
}

// merged joins pieces that are closer together than anybody sees.
function merged(pieces, gap) {
  const joined = []
  for (const p of [...pieces].sort((a, b) => a.start - b.start)) {
    const last = joined.at(-1)
    if (last && p.start - (last.start + last.duration) < gap) last.duration = Math.max(last.duration, p.start + p.duration - last.start)
    else joined.push({ ...p })
  }
  return joined
}
