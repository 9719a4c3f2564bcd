// One value of a span, shown as what it is: JSON, SQL, headers, a list, or text. However large it is, little of it is
// shown until somebody asks for all.

import { copyButton, h, replace } from './dom.js'
import { bytes, count } from './format.js'
import * as pretty from './pretty.js'

const enough = 4000 // characters that are shown at first
const most = 200000 // characters that are set in colours

// textOf writes a value of an attribute as text.
export function textOf(value) {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

// payload shows a value as a block: SQL if kind is "sql", JSON if it looks like it, else text as it is.
export function payload(label, value, kind) {
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  const block = h('pre', { class: 'payload', role: 'group', tabindex: 0, 'aria-label': label })
  const show = (part) => {
    const tokens = part.length > most ? null : kind === 'sql' ? pretty.sql(part) : pretty.json(part)
    replace(block, tokens ? coloured(tokens) : masked(part))
  }
  const more = rest(text, show)
  return h('div', { class: 'payload-box' }, h('div', { class: 'payload-head' }, h('h4', null, label), copyButton(`Copy ${label}`, () => text)), block, more)
}

// rest shows the beginning of a text by show, and returns a button for all of it, or null if that is all.
function rest(text, show) {
  if (text.length <= enough) {
    show(text)
    return null
  }
  show(text.slice(0, enough))
  const button = h('button', { type: 'button', class: 'button small', onclick: () => {
    show(text)
    button.remove()
  } }, `Show all: ${count(text.length - enough)} more characters`)
  return h('p', { class: 'rest' }, button, h('span', null, bytes(new Blob([text]).size)))
}

// inline shows a value within a line, or within some, and cuts it likewise.
export function inline({ value, type }) {
  const text = textOf(value)
  const node = h('span', { class: `value value-${type}` })
  const show = (part) => replace(node, part === '' ? h('i', { class: 'empty' }, 'empty') : masked(part))
  const more = rest(text, show)
  return more ? h('div', null, node, more) : node
}

function coloured(tokens) {
  return tokens.map(({ kind, text }) => kind === 'space' || kind === 'mark' || kind === 'word' ? text : h('span', kind === 'masked' ? { class: 't-masked', title: 'Masked before it was sent' } : { class: `t-${kind}` }, text))
}

// masked marks what stands in place of a secret.
function masked(text) {
  return text.split('****').flatMap((part, i) => i === 0 ? [part] : [h('span', { class: 't-masked', title: 'Masked before it was sent' }, '****'), part])
}

// headers shows names and values as a table; from an object in JSON, or null if the text is none.
export function headers(label, text) {
  const list = pretty.pairs(text)
  return list && table(label, list.map(([key, value]) => ({ key, value, type: 'string' })), () => text)
}

// table shows attributes. actions(attribute) may return buttons for each row.
export function table(label, attributes, copied, actions) {
  return h('div', { class: 'payload-box' },
    label ? h('div', { class: 'payload-head' }, h('h4', null, label), copied ? copyButton(`Copy ${label}`, copied) : null) : null,
    h('dl', { class: 'attributes' }, attributes.map((a) => h('div', { class: 'attribute' },
      h('dt', null, a.key),
      h('dd', null, inline(a), h('span', { class: 'attribute-actions' }, actions?.(a), copyButton(`Copy the value of ${a.key}`, () => textOf(a.value))))))))
}
