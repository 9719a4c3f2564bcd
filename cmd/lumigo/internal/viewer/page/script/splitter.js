// A line between two parts that can be dragged, or moved with the arrow keys.

import { h } from './dom.js'
import { recall, remember } from './memory.js'

// splitter makes one. It sets property on target to a size in the unit, between least and most, and remembers it.
// towards is 1 if a move to the right makes the size grow, else -1; full is the size in pixels that 100% stands for.
export function splitter({ label, target, property, unit, least, most, initial, towards, full }) {
  let size = Number(recall(`split.${property}`)) || initial
  const line = h('div', { class: 'splitter', role: 'separator', tabindex: 0, 'aria-orientation': 'vertical', 'aria-label': label, 'aria-valuemin': least, 'aria-valuemax': most })
  const set = (value) => {
    size = Math.min(most, Math.max(least, value))
    target.style.setProperty(property, size + unit)
    line.setAttribute('aria-valuenow', Math.round(size))
    remember(`split.${property}`, size)
  }
  set(size)
  line.addEventListener('pointerdown', (event) => {
    event.preventDefault()
    line.setPointerCapture(event.pointerId)
    const from = { x: event.clientX, size }
    const scale = unit === '%' ? 100 / full() : 1
    const move = (e) => set(from.size + towards * (e.clientX - from.x) * scale)
    line.addEventListener('pointermove', move)
    line.addEventListener('lostpointercapture', () => line.removeEventListener('pointermove', move), { once: true })
  })
  line.addEventListener('keydown', (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key]
    if (!step) return
    event.preventDefault()
    set(size + towards * step * (unit === '%' ? 2 : 16))
  })
  line.addEventListener('dblclick', () => set(initial))
  return line
}
