// Elements, made without ever parsing HTML. Whatever comes from a trace enters the page through here, as text.

// Characters that are not seen, or that change the order in which others are seen: a name with them could pass for
// another. Line breaks and tabs stay as they are; so do the joiners that scripts and emoji need.
const unseen = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u00ad\u061c\u115f\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]|\r(?!\n)/gu

// visible returns text with each such character replaced by its code.
export function visible(text) {
  return text.replace(unseen, (c) => `‹U+${c.codePointAt(0).toString(16).toUpperCase().padStart(4, '0')}›`)
}

// h makes an element. Attributes that begin with "on" are listeners, style is an object of properties, and null,
// undefined and false leave an attribute out. Children are nodes, text, numbers, null, or lists of such.
export function h(tag, attributes, ...children) {
  return fill(document.createElement(tag), attributes, children)
}

// svg is h for SVG.
export function svg(tag, attributes, ...children) {
  return fill(document.createElementNS('http://www.w3.org/2000/svg', tag), attributes, children)
}

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue
    if (name.startsWith('on')) node.addEventListener(name.slice(2), value)
    else if (name === 'style') for (const [property, v] of Object.entries(value)) node.style.setProperty(property, v)
    else node.setAttribute(name, value === true ? '' : visible(String(value)))
  }
  add(node, children)
  return node
}

function add(node, child) {
  if (Array.isArray(child)) for (const c of child) add(node, c)
  else if (child instanceof Node) node.append(child)
  else if (child !== null && child !== undefined && child !== false) node.append(visible(String(child)))
}

// replace puts children into node in place of what is there.
export function replace(node, ...children) {
  const fragment = document.createDocumentFragment()
  add(fragment, children)
  node.replaceChildren(fragment)
}

const shapes = {
  alert: 'M8 1.75 14.75 13.5H1.25zM8 6v3.5M8 11.4v.2',
  check: 'M3 8.5 6.5 12 13 4.5',
  chevron: 'M6 4l4 4-4 4',
  close: 'M4 4l8 8M12 4l-8 8',
  collapse: 'M4.5 2.5 8 5.5l3.5-3M4.5 13.5 8 10.5l3.5 3M2.5 8h11',
  compare: 'M2.5 5h8M10.5 5 8.25 2.75M10.5 5 8.25 7.25M13.5 11h-8M5.5 11l2.25-2.25M5.5 11l2.25 2.25',
  copy: 'M5.5 5.5h8v8h-8zM3 10.5h-.5v-8h8V3',
  database: 'M3 4c0-1.1 2.24-2 5-2s5 .9 5 2-2.24 2-5 2-5-.9-5-2zM3 4v8c0 1.1 2.24 2 5 2s5-.9 5-2V4M3 8c0 1.1 2.24 2 5 2s5-.9 5-2',
  download: 'M8 2v8.5M4.5 7.25 8 10.75l3.5-3.5M2.5 13.75h11',
  expand: 'M4.5 5 8 2l3.5 3M4.5 11 8 14l3.5-3M2.5 8h11',
  external: 'M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2zM2 8h12M8 2c2 1.6 2.75 3.6 2.75 6S10 12.4 8 14C6 12.4 5.25 10.4 5.25 8S6 3.6 8 2z',
  filter: 'M2 3.5h12L9.5 8.75V13l-3-1.5V8.75z',
  fit: 'M2.5 6V2.5H6M10 2.5h3.5V6M13.5 10v3.5H10M6 13.5H2.5V10',
  keyboard: 'M1.5 4h13v8.5h-13zM4 6.75h.1M6.7 6.75h.1M9.3 6.75h.1M12 6.75h.1M5 9.75h6',
  link: 'M6.75 9.25a2.75 2.75 0 0 0 4 0l2-2a2.8 2.8 0 0 0-4-4l-.75.75M9.25 6.75a2.75 2.75 0 0 0-4 0l-2 2a2.8 2.8 0 0 0 4 4l.75-.75',
  messaging: 'M1.75 3.5h12.5v9H1.75zM1.75 4l6.25 5 6.25-5',
  minus: 'M3.5 8h9',
  moon: 'M13.5 9.75A6 6 0 0 1 6.25 2.5a6 6 0 1 0 7.25 7.25z',
  pause: 'M5.25 3.5v9M10.75 3.5v9',
  path: 'M2 4h5v4h2.5v4H14',
  play: 'M4.75 3 12.5 8l-7.75 5z',
  plus: 'M3.5 8h9M8 3.5v9',
  retry: 'M13 8a5 5 0 1 1-1.6-3.67M13.25 1.75v3h-3',
  search: 'M7 2.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9zM10.5 10.5l3.25 3.25',
  service: 'M8 1.75 13.5 5v6L8 14.25 2.5 11V5zM2.5 5 8 8.1 13.5 5M8 8.1v6.15',
  sun: 'M8 5a3 3 0 1 0 0 6 3 3 0 0 0 0-6zM8 1.25v1.5M8 13.25v1.5M1.25 8h1.5M13.25 8h1.5M3.2 3.2l1.1 1.1M11.7 11.7l1.1 1.1M3.2 12.8l1.1-1.1M11.7 4.3l1.1-1.1',
  trash: 'M2.5 4h11M6 4V2.25h4V4M4 4l.6 9.75h6.8L12 4M6.75 6.75v4.25M9.25 6.75v4.25',
  upload: 'M8 10.75V2.25M4.5 5.75 8 2.25l3.5 3.5M2.5 13.75h11',
}

// icon draws a small picture in the colour of its text. It says nothing to screen readers: the control around it does.
export function icon(name) {
  return svg('svg', { class: 'icon', width: 16, height: 16, viewBox: '0 0 16 16', 'aria-hidden': 'true' }, svg('path', { d: shapes[name] }))
}

// iconButton makes a button that is a picture; label is its name, for those who hear it and for those who point at it.
export function iconButton(name, label, onclick, attributes) {
  return h('button', { type: 'button', class: 'icon-button', 'aria-label': label, title: label, onclick, ...attributes }, icon(name))
}

// copyButton copies what text() returns, and shows that it did.
export function copyButton(label, text) {
  const button = iconButton('copy', label, async (event) => {
    event.stopPropagation()
    const done = await copy(text())
    replace(button, icon(done ? 'check' : 'alert'))
    announce(done ? 'Copied' : 'The browser does not allow copying')
    setTimeout(() => replace(button, icon('copy')), 1200)
  })
  return button
}

// copy puts text on the clipboard and reports whether it could.
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    // Not a secure context, as on an address other than loopback: the old way needs an element that holds the text.
    const field = h('textarea', { class: 'visually-hidden', 'aria-hidden': 'true' })
    field.value = text
    document.body.append(field)
    field.select()
    const done = document.execCommand('copy')
    field.remove()
    return done
  }
}

const live = h('div', { class: 'visually-hidden', role: 'status', 'aria-live': 'polite' })

// announce says text to screen readers.
export function announce(text) {
  if (!live.isConnected) document.body.append(live)
  live.textContent = ''
  requestAnimationFrame(() => { live.textContent = visible(text) })
}
