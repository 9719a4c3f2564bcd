// Log records, beside the spans that they belong to.

import { h, replace } from './dom.js'
import { clip, duration, plural } from './format.js'
import * as payload from './payload.js'

const atFirst = 100

const severities = [[17, 'error'], [13, 'warn'], [9, 'info'], [0, 'debug']]

// logTable shows records in the order of their time. opened(log), if given, is called when one is chosen that has a
// span.
export function logTable(logs, opened) {
  const list = h('ol', { class: 'logs' }, logs.slice(0, atFirst).map((log) => line(log, opened)))
  if (logs.length <= atFirst) return list
  const more = h('button', { type: 'button', class: 'button small', onclick: () => {
    replace(list, logs.map((log) => line(log, opened)))
    more.remove()
  } }, `Show ${logs.length - atFirst} more`)
  return [list, more]
}

function line(log, opened) {
  const level = severities.find(([least]) => (log.severityNumber ?? 0) >= least)[1]
  const text = payload.textOf(log.body ?? '')
  return h('li', { class: `log log-${level}` },
    h('div', { class: 'log-head' },
      h('span', { class: 'number' }, `+${duration(log.offset)}`),
      h('span', { class: 'level' }, clip(log.severity || level.toUpperCase(), 20)),
      opened ? h('span', { class: 'log-service' }, clip(log.service ?? '', 60)) : null,
      opened && log.spanId ? h('button', { type: 'button', class: 'button quiet small', onclick: () => opened(log) }, 'Its span') : null),
    h('div', { class: 'log-body' }, payload.inline({ value: text, type: 'string' })),
    log.attributes?.length > 0 ? h('details', { class: 'log-more' }, h('summary', null, plural(log.attributes.length, 'attribute')), payload.table('', log.attributes)) : null)
}
