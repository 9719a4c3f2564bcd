// The traces of the list as points, when against how long: outliers and errors are seen before they are read.

import { colourOf } from './colour.js'
import { h, icon } from './dom.js'
import { dragAcross } from './drag.js'
import { clip, duration, milliseconds, tick, time } from './format.js'

const margin = { left: 52, right: 16, top: 8, bottom: 20 }

// Scatter draws summaries. chosen(summary) is called for a point that is clicked, ranged(since, until) for a time that
// is dragged across, in instants.
export class Scatter {
  constructor({ chosen, ranged, titleOf, signal }) {
    this.titleOf = titleOf
    this.traces = []
    this.points = []
    this.canvas = h('canvas')
    this.band = h('div', { class: 'drag-band', hidden: true })
    this.tip = h('div', { class: 'scatter-tip', hidden: true })
    // The list below says the same to those who do not see this.
    this.element = h('div', { class: 'scatter', 'aria-hidden': 'true' }, this.canvas, this.band, this.tip)
    this.chosen = chosen
    this.ranged = ranged
    this.element.addEventListener('pointermove', (event) => this.point(event))
    this.element.addEventListener('pointerleave', () => this.point(null))
    this.element.addEventListener('pointerdown', (event) => this.drag(event))
    const observer = new ResizeObserver(() => this.paint())
    observer.observe(this.element)
    signal.addEventListener('abort', () => observer.disconnect())
    document.addEventListener('themechange', () => this.paint(), { signal })
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.paint(), { signal })
  }

  draw(traces) {
    this.traces = traces
    this.paint()
  }

  paint() {
    const { width, height } = this.element.getBoundingClientRect()
    if (width === 0 || this.traces.length === 0) return
    const scale = devicePixelRatio
    this.canvas.width = width * scale
    this.canvas.height = height * scale
    const pen = this.canvas.getContext('2d')
    pen.scale(scale, scale)
    const times = this.traces.map((s) => milliseconds(s.start))
    let first = times.reduce((a, b) => Math.min(a, b))
    let last = times.reduce((a, b) => Math.max(a, b))
    if (last - first < 1000) [first, last] = [first - 500, last + 500]
    const shortest = Math.log10(Math.max(1e3, this.traces.reduce((a, s) => Math.min(a, s.duration), Infinity))) - 0.15
    const longest = Math.max(shortest + 1, Math.log10(Math.max(1e3, this.traces.reduce((a, s) => Math.max(a, s.duration), 0))) + 0.15)
    const inner = { width: width - margin.left - margin.right, height: height - margin.top - margin.bottom }
    const x = (ms) => margin.left + (ms - first) / (last - first) * inner.width
    const y = (ns) => margin.top + (longest - Math.log10(Math.max(1e3, ns))) / (longest - shortest) * inner.height
    this.at = (left) => Math.round(first + (left - margin.left) / inner.width * (last - first))

    const [line, faint, dot, error] = ['--line', '--text-faint', '--accent', '--error'].map(colourOf)
    pen.font = `11px ${getComputedStyle(document.body).fontFamily}`
    pen.fillStyle = faint
    pen.strokeStyle = line
    pen.textBaseline = 'middle'
    for (let power = Math.ceil(shortest); power <= longest; power++) {
      const at = Math.round(y(10 ** power)) + 0.5
      pen.beginPath()
      pen.moveTo(margin.left, at)
      pen.lineTo(width - margin.right, at)
      pen.stroke()
      pen.textAlign = 'right'
      pen.fillText(tick(10 ** power), margin.left - 8, at)
    }
    pen.textBaseline = 'alphabetic'
    const instant = (ms) => time(`${Math.round(ms)}000000`).replace(/\.\d+$/, '')
    pen.textAlign = 'left'
    pen.fillText(instant(first), margin.left, height - 5)
    pen.textAlign = 'right'
    pen.fillText(instant(last), width - margin.right, height - 5)

    this.points = this.traces.map((s, i) => ({ s, x: x(times[i]), y: y(s.duration) }))
    pen.fillStyle = dot
    pen.globalAlpha = 0.6
    for (const p of this.points) if (p.s.errors === 0) circle(pen, p, 2.75)
    pen.globalAlpha = 1
    pen.fillStyle = error
    for (const p of this.points) if (p.s.errors > 0) diamond(pen, p, 4.25)
  }

  near(event) {
    const box = this.element.getBoundingClientRect()
    const [x, y] = [event.clientX - box.left, event.clientY - box.top]
    let best = null
    for (const p of this.points) {
      const far = (p.x - x) ** 2 + (p.y - y) ** 2
      if (far < 144 && (!best || far < best.far)) best = { ...p, far }
    }
    return best
  }

  point(event) {
    const p = event && this.near(event)
    this.tip.hidden = !p
    this.element.classList.toggle('pointing', Boolean(p))
    if (!p) return
    this.tip.replaceChildren(h('b', null, clip(this.titleOf(p.s), 60)), h('span', { class: 'number' }, duration(p.s.duration)), p.s.errors > 0 ? h('span', { class: 'errors' }, icon('alert'), p.s.errors) : '')
    const width = this.element.clientWidth
    this.tip.style.left = `${Math.min(p.x + 10, width - this.tip.offsetWidth - 4)}px`
    this.tip.style.top = `${Math.max(2, p.y - 14)}px`
  }

  drag(event) {
    const instant = (ms) => new Date(ms).toISOString()
    dragAcross(event, {
      frame: this.element, band: this.band, least: margin.left, most: this.element.clientWidth - margin.right,
      chosen: (begin, end) => this.ranged(instant(this.at(begin)), instant(this.at(end) + 1)),
      clicked: (e) => {
        const p = this.near(e)
        if (p) this.chosen(p.s)
      },
    })
  }
}

function circle(pen, { x, y }, radius) {
  pen.beginPath()
  pen.arc(x, y, radius, 0, 2 * Math.PI)
  pen.fill()
}

function diamond(pen, { x, y }, radius) {
  pen.beginPath()
  pen.moveTo(x, y - radius)
  pen.lineTo(x + radius, y)
  pen.lineTo(x, y + radius)
  pen.lineTo(x - radius, y)
  pen.fill()
}
