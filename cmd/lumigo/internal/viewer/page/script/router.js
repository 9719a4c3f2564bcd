// Addresses: every view has one, and Back and Forward work. A view is a function that is called with where to show
// itself, and may return what to call when only its query changes.

import { h } from './dom.js'
import * as keys from './keys.js'

let routes = []
let main
let current = { path: null, leave: new AbortController(), update: null }

// start shows the view of the address and follows it from now on. A route is { pattern, open }, where open gets
// { main, parameters, query, signal }: signal is aborted when the view is left.
export function start(element, table) {
  main = element
  routes = table
  addEventListener('popstate', () => show(false))
  document.addEventListener('click', (event) => {
    const link = event.target.closest?.('a[href^="/"]')
    if (!link || link.hasAttribute('download') || link.target || event.defaultPrevented) return
    if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return
    event.preventDefault()
    go(link.getAttribute('href'))
  })
  show(false)
}

// go shows an address, as a new entry of the history unless replace is set.
export function go(address, { replace = false } = {}) {
  if (address === location.pathname + location.search) replace = true
  history[replace ? 'replaceState' : 'pushState'](null, '', address)
  show(true)
}

// setQuery changes the query of the view that is shown, which is not told of it.
export function setQuery(query, { push = false } = {}) {
  const text = String(query)
  const address = location.pathname + (text ? `?${text}` : '')
  if (address !== location.pathname + location.search) history[push ? 'pushState' : 'replaceState'](null, '', address)
}

// setTitle names the view in the browser's tab.
export function setTitle(text) {
  document.title = `${text} · Lumigo viewer`
}

function show(moveFocus) {
  const query = new URLSearchParams(location.search)
  if (location.pathname === current.path && current.update) return current.update(query)
  current.leave.abort()
  keys.clear()
  const leave = new AbortController()
  current = { path: location.pathname, leave, update: null }
  main.replaceChildren()
  for (const { pattern, open } of routes) {
    const match = pattern.exec(location.pathname)
    if (!match) continue
    current.update = open({ main, parameters: match.slice(1), query, signal: leave.signal }) ?? null
    break
  }
  if (!main.firstChild) {
    setTitle('Not found')
    main.append(h('div', { class: 'blank' },
      h('h1', { tabindex: -1 }, 'There is no such page'),
      h('p', null, h('code', null, location.pathname), ' is not an address of the viewer.'),
      h('p', null, h('a', { href: '/' }, 'All traces'))))
  }
  document.dispatchEvent(new Event('viewchange'))
  if (moveFocus) main.querySelector('h1')?.focus({ preventScroll: true })
}
