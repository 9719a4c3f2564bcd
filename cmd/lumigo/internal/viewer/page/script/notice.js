// What the page says when something fails, when it waits, and when something is done.

import { announce, h, icon, iconButton } from './dom.js'

// failure shows an error in place of what could not be shown, with a button to try again.
export function failure(error, again) {
  return h('div', { class: 'blank failure', role: 'alert' },
    icon('alert'),
    h('h2', null, error.message),
    error.hint ? h('p', null, error.hint) : null,
    again ? h('button', { type: 'button', class: 'button', onclick: again }, icon('retry'), 'Try again') : null)
}

// waiting says that something is on its way; it appears only if that takes long enough to be noticed.
export function waiting(what) {
  return h('div', { class: 'blank waiting', role: 'status' }, what)
}

const stack = h('div', { class: 'toasts' })

// toast shows a line for some seconds; an error stays until it is closed.
export function toast(text, { error = false } = {}) {
  if (!stack.isConnected) document.body.append(stack)
  const node = h('div', { class: error ? 'toast error' : 'toast', role: error ? 'alert' : null },
    error ? icon('alert') : icon('check'), h('span', null, text), iconButton('close', 'Close', () => node.remove()))
  stack.append(node)
  if (!error) {
    announce(text)
    setTimeout(() => node.remove(), 6000)
  }
}

// confirmed asks before something that cannot be undone.
export function confirmed(question, explanation, action) {
  return new Promise((resolve) => {
    const dialog = h('dialog', { class: 'dialog', 'aria-labelledby': 'confirm-title' },
      h('h2', { id: 'confirm-title' }, question),
      h('p', null, explanation),
      h('form', { method: 'dialog', class: 'dialog-actions' },
        h('button', { class: 'button', value: '' }, 'Cancel'),
        h('button', { class: 'button danger', value: 'yes' }, action)))
    dialog.addEventListener('close', () => {
      dialog.remove()
      resolve(dialog.returnValue === 'yes')
    })
    document.body.append(dialog)
    dialog.showModal()
  })
}
