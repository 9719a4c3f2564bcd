// Where the list has its traces from: those that are there, then each that is new or changes, for as long as the feed
// is open. A connection that is lost is made anew.

import * as api from './api.js'
import { toAddress } from './query.js'

const pageSize = 200
const most = 5000 // traces kept in the page

// newestFirst orders summaries as the viewer does.
export function newestFirst(a, b) {
  return b.start.length - a.start.length || (a.start < b.start ? 1 : a.start > b.start ? -1 : 0)
}

// Feed follows the traces that a query finds. It calls changed() when there is something new to show, arrived(summary)
// for each that came after the first answer, and failed(error, seconds) when the viewer does not answer; it tries again
// after as many seconds, or never if that is null.
export class Feed {
  constructor({ query, changed, arrived, failed }) {
    this.query = query
    this.changed = changed
    this.arrived = arrived
    this.failed = failed
    this.traces = new Map() // summaries by id
    this.held = new Map() // those that came during a pause
    this.paused = false
    this.complete = false // what was there before has all come
    this.exhausted = false // there is nothing older
    this.connection = new AbortController()
  }

  // take shows at once what another feed of the same query had.
  take(other) {
    this.traces = other.traces
    this.exhausted = other.exhausted
    this.complete = this.traces.size > 0
  }

  close() {
    this.connection.abort()
  }

  // open connects, also anew.
  async open() {
    this.close()
    const { signal } = this.connection = new AbortController()
    for (let wait = 1; !signal.aborted; wait = Math.min(wait * 2, 15)) {
      let error = new api.Failure('The viewer has stopped')
      try {
        const parameters = toAddress(this.query)
        parameters.set('follow', 'true')
        parameters.set('limit', pageSize)
        for await (const summary of api.follow(parameters, signal)) {
          if (signal.aborted) return
          wait = 1
          if (summary) this.put(summary)
          else this.complete = true
          this.changed()
        }
      } catch (e) {
        error = e
      }
      if (signal.aborted) return
      const refused = error.status >= 400 && error.status < 500 // the query itself, so that asking again is no use
      this.failed(error, refused ? null : wait)
      if (refused) return
      await new Promise((resolve) => {
        setTimeout(resolve, wait * 1000)
        signal.addEventListener('abort', resolve)
      })
    }
  }

  put(summary) {
    if (this.paused && this.complete) {
      this.held.set(summary.traceId, summary)
      return
    }
    const isNew = this.complete && !this.traces.has(summary.traceId)
    this.traces.set(summary.traceId, summary)
    if (isNew) this.arrived(summary)
  }

  // pause holds back what comes, or lets it in.
  pause(on) {
    this.paused = on
    if (on) return
    for (const summary of this.held.values()) this.put(summary)
    this.held.clear()
  }

  // sorted lists the traces. However many come, the newest are kept.
  sorted(order) {
    if (this.traces.size > most) {
      for (const s of [...this.traces.values()].sort(newestFirst).slice(most)) this.traces.delete(s.traceId)
      this.exhausted = true
    }
    return [...this.traces.values()].sort(order)
  }

  // older asks for those before the oldest that is here.
  async older() {
    if (this.loading || this.exhausted || !this.complete || this.traces.size === 0) return
    this.loading = true
    const { signal } = this.connection
    try {
      const parameters = toAddress(this.query)
      parameters.set('until', this.sorted(newestFirst).at(-1).start)
      parameters.set('limit', pageSize)
      const before = this.traces.size
      for (const s of await api.traces(parameters, signal)) if (!this.traces.has(s.traceId)) this.traces.set(s.traceId, s)
      this.exhausted = this.traces.size === before
      this.changed()
    } catch {
      // The open connection says it.
    }
    this.loading = false
  }
}
