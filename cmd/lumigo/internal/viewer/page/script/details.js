// The details of one span: first what went wrong, then what it carried, then the rest.

import * as api from './api.js'
import { serviceClass } from './colour.js'
import { copyButton, h, icon, iconButton, replace } from './dom.js'
import { clip, duration, fullTime, percent, plural, shortId } from './format.js'
import { logTable } from './logs.js'
import { failure, waiting } from './notice.js'
import * as payload from './payload.js'

// showDetails fills panel with the span: model and i say which; closed is called by its button.
export async function showDetails(panel, { model, i, logs, closed, signal }) {
  const { traceId } = model.summary
  const light = model.spans[i]
  const body = h('div', { class: 'details-body' })
  replace(panel, header(model, light, closed), body)
  const slow = setTimeout(() => replace(body, waiting('Asking for the details')), 300)
  let span
  try {
    span = await api.span(traceId, light, signal)
  } catch (error) {
    clearTimeout(slow)
    if (!signal.aborted) replace(body, failure(error, () => showDetails(panel, { model, i, logs, closed, signal })))
    return
  }
  clearTimeout(slow)
  if (signal.aborted) return
  replace(body, sections(model, span, logs))
}

function header(model, s, closed) {
  const share = s.duration / model.duration
  return h('header', { class: 'details-head' },
    h('div', { class: 'details-title' },
      h('div', null,
        h('p', { class: `details-service ${serviceClass(s.service)}` }, h('span', { class: 'mark' }), clip(s.service, 120), h('span', { class: 'kind' }, s.kind)),
        h('h2', { tabindex: -1 }, clip(s.name, 400))),
      h('div', { class: 'details-buttons' }, copyButton('Copy the name', () => s.name), iconButton('close', 'Close the details', closed))),
    h('dl', { class: 'facts' },
      fact('Duration', duration(s.duration), percent(share)),
      fact('Own time', duration(s.self), s.duration > 0 ? percent(s.self / s.duration) : ''),
      fact('Begins at', `+${duration(s.start)}`),
      fact('Status', s.status === 'error' ? h('span', { class: 'errors' }, icon('alert'), 'Error') : s.status === 'ok' ? 'OK' : 'Unset')))
}

function fact(name, value, more) {
  return h('div', null, h('dt', null, name), h('dd', null, value, more ? h('small', null, more) : null))
}

function sections(model, span, logs) {
  const attributes = new Map(span.attributes.map((a) => [a.key, a]))
  const take = (key) => {
    const a = attributes.get(key)
    attributes.delete(key)
    return a
  }
  const takeAll = (prefix) => {
    const list = []
    for (const key of [...attributes.keys()]) if (key.startsWith(prefix)) list.push({ ...take(key), key: key.slice(prefix.length) })
    return list
  }
  const exceptions = span.events.filter((e) => e.name === 'exception')
  const events = span.events.filter((e) => e.name !== 'exception')
  const http = exchange(take, takeAll)
  const statement = query(take, takeAll)
  const others = payloads(attributes)
  return [
    span.statusMessage && exceptions.length === 0 ? h('div', { class: 'status-message' }, icon('alert'), h('p', null, payload.inline({ value: span.statusMessage, type: 'string' }))) : null,
    exceptions.map(exception),
    http.length > 0 ? section('HTTP', http) : null,
    statement.length > 0 ? section('Query', statement) : null,
    others.length > 0 ? section('Payloads', others) : null,
    attributes.size > 0 ? section(`Attributes`, filtered([...attributes.values()]), attributes.size) : null,
    events.length > 0 ? section('Events', events.map(event), events.length) : null,
    logs.length > 0 ? section('Logs', logTable(logs), logs.length) : null,
    span.links?.length > 0 ? section('Links', span.links.map(link), span.links.length) : null,
    section('Resource', payload.table('', span.resource), span.resource.length, false),
    section('Identity', payload.table('', identity(model, span)), null, false),
    dropped(span),
  ]
}

function section(title, content, number, open = true) {
  return h('details', { class: 'section', open },
    h('summary', null, icon('chevron'), h('h3', null, title), number ? h('span', { class: 'badge' }, number) : null), h('div', { class: 'section-body' }, content))
}

function exception({ attributes }) {
  const of = (name) => payload.textOf(attributes.find((a) => a.key === `exception.${name}`)?.value ?? '')
  const rest = attributes.filter((a) => !/^exception\.(type|message|stacktrace|escaped)$/.test(a.key))
  return h('section', { class: 'exception', 'aria-label': 'Exception' },
    h('h3', null, icon('alert'), clip(of('type') || 'Exception', 200)),
    of('message') ? h('p', null, payload.inline({ value: of('message'), type: 'string' })) : null,
    of('stacktrace') ? payload.payload('Stack trace', of('stacktrace')) : null,
    rest.length > 0 ? payload.table('', rest) : null)
}

// exchange shows a request and its response, whichever names their attributes have.
function exchange(take, takeAll) {
  const first = (...keys) => keys.map(take).find((a) => a !== undefined)
  const shown = []
  const method = first('http.request.method', 'http.method')
  const code = first('http.response.status_code', 'http.status_code')
  const address = first('url.full', 'http.url') ?? first('url.path', 'http.target')
  const search = address && !String(address.value).includes('?') ? take('url.query') : undefined
  if (method || code || address) {
    const target = (address ? payload.textOf(address.value) : '') + (search?.value ? `?${payload.textOf(search.value)}` : '')
    shown.push(h('div', { class: 'exchange' },
      method ? h('b', null, clip(payload.textOf(method.value), 40)) : null,
      h('span', { class: 'target' }, target ? payload.inline({ value: target, type: 'string' }) : null),
      code ? h('span', { class: `code code-${String(code.value)[0]}` }, clip(payload.textOf(code.value), 20)) : null,
      target ? copyButton('Copy the address', () => target) : null))
  }
  for (const side of ['request', 'response']) {
    const name = side === 'request' ? 'Request' : 'Response'
    const whole = take(`http.${side}.headers`)
    const list = takeAll(`http.${side}.header.`).map((a) => ({ ...a, value: Array.isArray(a.value) && a.value.length === 1 ? a.value[0] : a.value }))
    if (whole) shown.push(payload.headers(`${name} headers`, payload.textOf(whole.value)) ?? payload.payload(`${name} headers`, payload.textOf(whole.value)))
    if (list.length > 0) shown.push(payload.table(`${name} headers`, list, () => list.map((a) => `${a.key}: ${payload.textOf(a.value)}`).join('\n')))
    const body = take(`http.${side}.body`)
    if (body) shown.push(payload.payload(`${name} body`, payload.textOf(body.value)))
  }
  return shown
}

function query(take, takeAll) {
  const shown = []
  const statement = take('db.query.text') ?? take('db.statement')
  if (statement) shown.push(payload.payload('Statement', payload.textOf(statement.value), 'sql'))
  const parameters = take('db.statement.parameters')
  if (parameters) shown.push(payload.payload('Parameters', payload.textOf(parameters.value)))
  const list = takeAll('db.query.parameter.')
  if (list.length > 0) shown.push(payload.table('Parameters', list))
  for (const side of ['request', 'response']) {
    const body = take(`db.${side}.body`)
    if (body) shown.push(payload.payload(side === 'request' ? 'Request body' : 'Response body', payload.textOf(body.value)))
  }
  return shown
}

// payloads takes what is too large for a table, or is JSON.
function payloads(attributes) {
  const shown = []
  for (const [key, { value, type }] of attributes) {
    const text = payload.textOf(value)
    if (type === 'map' || text.length > 40 && /^\s*[{[]/.test(text) && type === 'string') {
      attributes.delete(key)
      shown.push(payload.payload(key, text))
    }
  }
  return shown
}

// filtered is a table of attributes with a box to find one, if there are many.
function filtered(attributes) {
  const actions = (a) => ['string', 'int', 'bool', 'double'].includes(a.type) && String(a.value).length < 200
    ? h('a', { class: 'icon-button', href: `/?${new URLSearchParams({ attribute: `${a.key}=${a.value}` })}`, 'aria-label': `Find traces with this ${a.key}`, title: 'Find traces with this value' }, icon('filter'))
    : null
  const holder = h('div')
  const show = (words) => replace(holder, payload.table('', attributes.filter((a) => `${a.key}\n${payload.textOf(a.value).slice(0, 10000)}`.toLowerCase().includes(words.toLowerCase())), null, actions))
  show('')
  if (attributes.length <= 12) return holder
  const box = h('input', { type: 'search', class: 'input', placeholder: 'Find an attribute', 'aria-label': 'Find an attribute', oninput: () => show(box.value) })
  return [box, holder]
}

function event(e) {
  return h('div', { class: 'event' },
    h('div', { class: 'event-head' }, h('b', null, clip(e.name, 300)), h('span', { class: 'number' }, `+${duration(e.offset)}`)),
    e.attributes.length > 0 ? payload.table('', e.attributes) : null)
}

function link(l) {
  return h('div', { class: 'event' },
    h('div', { class: 'event-head' }, h('a', { href: `/trace/${l.traceId}?span=${l.spanId}` }, `Span ${shortId(l.spanId)} of trace ${shortId(l.traceId)}`)),
    l.attributes?.length > 0 ? payload.table('', l.attributes) : null)
}

function identity(model, span) {
  const row = (key, value) => value === undefined || value === '' ? [] : [{ key, value, type: 'string' }]
  return [
    ...row('trace id', model.summary.traceId), ...row('span id', span.spanId), ...row('parent span id', span.parentSpanId),
    ...row('scope', span.scope), ...row('trace state', span.traceState), ...row('flags', span.flags === undefined ? '' : String(span.flags)),
    ...row('start', fullTime(String(BigInt(model.summary.start) + BigInt(span.start)))),
  ]
}

function dropped(span) {
  const parts = [[span.droppedAttributes, 'attribute'], [span.droppedEvents, 'event'], [span.droppedLinks, 'link']].filter(([n]) => n > 0)
  return parts.length > 0 ? h('p', { class: 'aside' }, `Left out where the span was made, by its limits: ${parts.map(([n, what]) => plural(n, what)).join(', ')}.`) : null
}
