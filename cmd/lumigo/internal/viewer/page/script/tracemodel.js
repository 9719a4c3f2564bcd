// A trace as the waterfall needs it: which span is whose parent, what a collapsed span hides, what is critical.

// TraceModel wraps the answer of the API, whose spans are in tree order. Spans are spoken of by their place in it.
// Nothing here recurses, since a trace may be as deep as it is long.
export class TraceModel {
  constructor({ summary, spans, criticalPath }) {
    this.summary = summary
    this.spans = spans
    this.duration = Math.max(1, summary.duration)
    this.index = new Map() // the first span of each id: hostile traces repeat them
    this.keys = new Map() // every span by its key
    spans.forEach((s, i) => {
      if (!this.index.has(s.spanId)) this.index.set(s.spanId, i)
      this.keys.set(this.key(i), i)
    })
    this.parent = new Int32Array(spans.length).fill(-1)
    this.end = new Int32Array(spans.length) // of the subtree, exclusive
    this.errorsBelow = new Int32Array(spans.length)
    this.critical = new Map()
    this.collapsed = new Set()
    this.deepest = 0
    this.errors = []

    const open = []
    const close = (depth, at) => {
      while (open.length > depth) {
        const i = open.pop()
        this.end[i] = at
        if (open.length > 0) this.errorsBelow[open.at(-1)] += this.errorsBelow[i] + (spans[i].status === 'error' ? 1 : 0)
      }
    }
    spans.forEach((s, i) => {
      close(s.depth, i)
      if (open.length > 0) this.parent[i] = open.at(-1)
      open.push(i)
      this.deepest = Math.max(this.deepest, s.depth)
      if (s.status === 'error') this.errors.push(i)
    })
    close(0, spans.length)

    for (const { spanId, occurrence, start, duration } of criticalPath ?? []) {
      const i = this.keys.get(key(spanId, occurrence))
      if (i === undefined) continue
      if (!this.critical.has(i)) this.critical.set(i, [])
      this.critical.get(i).push({ start, duration })
    }
    this.arrange()
  }

  // key names a span in an address: by its id, and by which one it is if there are several of that id.
  key(i) {
    return key(this.spans[i].spanId, this.spans[i].occurrence)
  }

  hasChildren(i) {
    return this.end[i] > i + 1
  }

  // arrange lists the spans that are not hidden in a collapsed one.
  arrange() {
    this.visible = []
    this.row = new Int32Array(this.spans.length).fill(-1)
    for (let i = 0; i < this.spans.length; i = this.collapsed.has(i) ? this.end[i] : i + 1) {
      this.row[i] = this.visible.length
      this.visible.push(i)
    }
  }

  // collapse hides what is below a span, or shows it again.
  collapse(i, on) {
    if (!this.hasChildren(i)) return
    if (on) this.collapsed.add(i)
    else this.collapsed.delete(i)
    this.arrange()
  }

  // collapseAll collapses every span that is at least that deep.
  collapseAll(depth) {
    this.collapsed.clear()
    if (depth < Infinity) this.spans.forEach((s, i) => { if (s.depth >= depth && this.hasChildren(i)) this.collapsed.add(i) })
    this.arrange()
  }

  // uncover expands whatever hides a span.
  uncover(i) {
    let changed = false
    for (let p = this.parent[i]; p >= 0; p = this.parent[p]) changed = this.collapsed.delete(p) || changed
    if (changed) this.arrange()
  }

  // find returns the spans whose name or service has the words in it.
  find(words) {
    const wanted = words.toLowerCase()
    const found = []
    this.spans.forEach((s, i) => {
      if (s.name.toLowerCase().includes(wanted) || s.service.toLowerCase().includes(wanted) || s.spanId === wanted) found.push(i)
    })
    return found
  }

  // services sums up each service: how many spans, their own time, their errors; the busiest first.
  services() {
    const sums = new Map()
    for (const s of this.spans) {
      const sum = sums.get(s.service) ?? { name: s.service, spans: 0, self: 0, errors: 0 }
      sum.spans++
      sum.self += s.self
      if (s.status === 'error') sum.errors++
      sums.set(s.service, sum)
    }
    return [...sums.values()].sort((a, b) => b.self - a.self)
  }
}

function key(spanId, occurrence) {
  return occurrence ? `${spanId}.${occurrence}` : spanId
}
