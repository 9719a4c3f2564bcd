// The whole trace in a strip: every span a line, errors in red, and the part that is shown in the waterfall.

import { colourOf, serviceColour } from './colour.js'
import { h } from './dom.js'
import { dragAcross } from './drag.js'

// Minimap draws a TraceModel. Dragging across it calls zoomed with two offsets; a click without dragging moves the
// part that is shown.
export class Minimap {
  constructor({ model, zoomed, scroller, signal }) {
    this.model = model
    this.zoomed = zoomed
    this.scroller = scroller
    this.canvas = h('canvas')
    this.before = h('div', { class: 'shade' })
    this.after = h('div', { class: 'shade' })
    this.band = h('div', { class: 'drag-band', hidden: true })
    this.rows = h('div', { class: 'minimap-rows' })
    this.element = h('div', { class: 'minimap', 'aria-hidden': 'true', title: 'Drag to zoom' }, this.canvas, this.rows, this.before, this.after, this.band)
    this.element.addEventListener('pointerdown', (event) => this.drag(event))
    this.element.addEventListener('dblclick', () => zoomed(0, model.duration))
    this.from = 0
    this.to = model.duration
    new ResizeObserver(() => this.paint()).observe(this.element)
    document.addEventListener('themechange', () => this.paint(), { signal })
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.paint(), { signal })
    scroller.addEventListener('scroll', () => this.place(), { passive: true, signal })
  }

  // draw shows which part of the time the waterfall has.
  draw(from, to) {
    this.from = from
    this.to = to
    this.place()
    if (this.painted !== this.model.visible) this.paint()
  }

  place() {
    const all = this.model.duration
    this.before.style.width = `${this.from / all * 100}%`
    this.after.style.left = `${this.to / all * 100}%`
    this.after.style.width = `${(1 - this.to / all) * 100}%`
    const { scrollTop, clientHeight, scrollHeight } = this.scroller
    this.rows.hidden = scrollHeight <= clientHeight + 1
    this.rows.style.top = `${scrollTop / scrollHeight * 100}%`
    this.rows.style.height = `${clientHeight / scrollHeight * 100}%`
  }

  paint() {
    const { width, height } = this.element.getBoundingClientRect()
    if (width === 0) return
    this.painted = this.model.visible
    const scale = devicePixelRatio
    this.canvas.width = width * scale
    this.canvas.height = height * scale
    const pen = this.canvas.getContext('2d')
    pen.scale(scale, scale)
    const { spans, visible, duration } = this.model
    const colours = new Map()
    const colour = (service) => {
      if (!colours.has(service)) colours.set(service, serviceColour(service))
      return colours.get(service)
    }
    const pad = 4
    const step = Math.min(6, (height - 2 * pad) / Math.max(1, visible.length))
    const thick = Math.max(1, Math.min(3, step * 0.7))
    const line = (i, row, minimum) => {
      const s = spans[i]
      pen.fillRect(s.start / duration * width, pad + row * step, Math.max(minimum, s.duration / duration * width), thick)
    }
    visible.forEach((i, row) => {
      pen.fillStyle = colour(spans[i].service)
      line(i, row, 1)
    })
    pen.fillStyle = colourOf('--error')
    visible.forEach((i, row) => { if (spans[i].status === 'error') line(i, row, 3) })
    this.place()
  }

  drag(event) {
    const at = (place) => place / this.element.clientWidth * this.model.duration
    dragAcross(event, {
      frame: this.element, band: this.band,
      chosen: (begin, end) => this.zoomed(at(begin), at(end)),
      clicked: (e) => {
        const middle = at(e.clientX - this.element.getBoundingClientRect().left)
        const half = (this.to - this.from) / 2
        this.zoomed(middle - half, middle + half)
      },
    })
  }
}
