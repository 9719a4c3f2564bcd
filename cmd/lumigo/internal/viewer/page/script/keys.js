// The keyboard: bindings of the page and of the view that is shown, and the overlay that lists them.

import { h, replace } from './dom.js'
import { recall, remember } from './memory.js'

let everywhere = []
let here = []
let pending = ''

// A binding is { keys, shown, what, run }: key names as in KeyboardEvent.key, "g t" for one after the other; shown
// is what the overlay prints instead, and a binding without it and what is not listed.

// bindEverywhere sets the bindings that every view has.
export function bindEverywhere(bindings) {
  everywhere = bindings
}

// bind sets the bindings of the view that is shown, under its name.
export function bind(name, bindings) {
  here = [{ name, bindings }]
}

// clear removes those of the view.
export function clear() {
  here = []
  pending = ''
}

const typing = (target) => target.closest?.('input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable]')
const pressable = (target) => target.closest?.('a, button, summary, input, [role=separator]')

document.addEventListener('keydown', (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return
  if (document.querySelector('dialog[open]')) return
  if (typing(event.target)) return
  if (['Enter', ' '].includes(event.key) && pressable(event.target)) return
  if (recall('keys.off') && event.key.length === 1) return
  const name = (event.shiftKey && event.key.length > 1 ? 'Shift+' : '') + event.key
  const bindings = [...here.flatMap((group) => group.bindings), ...everywhere]
  const chord = pending ? `${pending} ${name}` : name
  const binding = bindings.find((b) => b.keys.includes(chord)) ?? bindings.find((b) => b.keys.includes(name))
  pending = bindings.some((b) => b.keys.some((k) => k.startsWith(name + ' '))) ? name : ''
  if (!binding) return
  event.preventDefault()
  pending = ''
  binding.run(event)
})

const dialog = h('dialog', { class: 'dialog keys', 'aria-labelledby': 'keys-title' })

// showKeys opens the overlay.
export function showKeys() {
  const section = ({ name, bindings }) => h('section', null,
    h('h3', null, name),
    h('dl', null, bindings.filter((b) => b.what).map((b) => [
      h('dt', null, (b.shown ?? b.keys).map((k, i) => [i > 0 ? ' ' : null, h('kbd', null, caption(k))])),
      h('dd', null, b.what),
    ])))
  const single = h('input', { type: 'checkbox', checked: !recall('keys.off'), onchange: () => remember('keys.off', single.checked ? null : '1') })
  replace(dialog,
    h('header', null,
      h('h2', { id: 'keys-title' }, 'Keyboard'),
      h('form', { method: 'dialog' }, h('button', { class: 'button' }, 'Close'))),
    h('div', { class: 'keys-groups' }, here.map(section), section({ name: 'Everywhere', bindings: everywhere })),
    h('label', { class: 'check' }, single, 'Keys that are single characters work'))
  if (!dialog.isConnected) document.body.append(dialog)
  dialog.showModal()
}

function caption(key) {
  const captions = { ArrowUp: '↑', ArrowDown: '↓', ArrowLeft: '←', ArrowRight: '→', Escape: 'Esc', ' ': 'Space' }
  return key.replace(/Arrow\w+|Escape|^ $/g, (k) => captions[k]).replace('Shift+', '⇧ ')
}
