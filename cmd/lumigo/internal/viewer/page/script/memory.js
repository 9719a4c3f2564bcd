// What the page remembers from one visit to the next: a few choices, on this machine, in this browser.

// recall returns what was remembered under a name, or null.
export function recall(name) {
  try {
    return localStorage.getItem(`lumigo.${name}`)
  } catch {
    return null // the browser allows no storage
  }
}

// remember keeps a value under a name; null forgets it.
export function remember(name, value) {
  try {
    if (value === null) localStorage.removeItem(`lumigo.${name}`)
    else localStorage.setItem(`lumigo.${name}`, value)
  } catch {
    // Then it is remembered for as long as the page is open, by whoever chose it.
  }
}
