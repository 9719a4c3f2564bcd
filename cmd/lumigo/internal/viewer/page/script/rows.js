// Rows of equal height of which only those in sight exist, so that ten thousand are no slower than forty.

const spare = 8 // rows kept beyond each edge

// Rows shows count() rows in a scrolling element. draw(i) makes the element of row i. The active row, if it is not
// negative, always exists, since aria-activedescendant refers to it. head is the height of what sticks to the top of
// the scrolling element, above the rows.
export class Rows {
  constructor({ scroller, count, draw, height, head = 0 }) {
    this.scroller = scroller
    this.count = count
    this.draw = draw
    this.height = height
    this.head = head
    this.active = -1
    this.nodes = new Map()
    this.holder = document.createElement('div')
    this.holder.className = 'rows'
    this.holder.setAttribute('role', 'presentation')
    scroller.append(this.holder)
    let asked = false
    const later = () => {
      if (asked) return
      asked = true
      requestAnimationFrame(() => {
        asked = false
        this.fill()
      })
    }
    scroller.addEventListener('scroll', later, { passive: true })
    this.observer = new ResizeObserver(later)
    this.observer.observe(scroller)
  }

  // refresh draws all rows in sight anew.
  refresh() {
    for (const node of this.nodes.values()) node.remove()
    this.nodes.clear()
    this.fill()
  }

  // update draws one row anew, if it exists.
  update(i) {
    const old = this.nodes.get(i)
    if (!old) return
    const node = this.place(i)
    old.replaceWith(node)
    this.nodes.set(i, node)
  }

  // fill makes the rows that have come into sight and removes those that have left it.
  fill() {
    const height = this.height()
    const n = this.count()
    this.holder.style.height = `${n * height}px`
    const top = this.scroller.scrollTop
    const first = Math.max(0, Math.floor(top / height) - spare)
    const last = Math.min(n - 1, Math.ceil((top + this.scroller.clientHeight) / height) + spare)
    for (const [i, node] of this.nodes) {
      if ((i < first || i > last) && i !== this.active || i >= n) {
        node.remove()
        this.nodes.delete(i)
      }
    }
    for (let i = first; i <= last; i++) this.make(i)
    if (this.active >= 0 && this.active < n) this.make(this.active)
  }

  // reveal scrolls row i into sight.
  reveal(i, { centre = false } = {}) {
    const height = this.height()
    const room = this.scroller.clientHeight - this.head
    const top = i * height
    if (centre && (top < this.scroller.scrollTop || top + height > this.scroller.scrollTop + room)) {
      this.scroller.scrollTop = top - (room - height) / 2
    } else if (top < this.scroller.scrollTop) {
      this.scroller.scrollTop = top
    } else if (top + height > this.scroller.scrollTop + room) {
      this.scroller.scrollTop = top + height - room
    }
    this.fill()
  }

  make(i) {
    if (this.nodes.has(i)) return
    const node = this.place(i)
    // In the order in which they are read, for those who read them one after the other.
    let after = null
    for (const [j, other] of this.nodes) if (j > i && (after === null || j < after[0])) after = [j, other]
    this.holder.insertBefore(node, after ? after[1] : null)
    this.nodes.set(i, node)
  }

  place(i) {
    const node = this.draw(i)
    node.style.top = `${i * this.height()}px`
    return node
  }
}
