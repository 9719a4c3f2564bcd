// The colour of a service: the same one in every view, and different ones for as many services as there are colours.
// After those, the same colours come again with stripes. No colour is ever all that tells one thing from another.

const colours = 8
const taken = []
const known = new Map()

function hash(text) {
  let h = 2166136261
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 16777619)
  return h >>> 0
}

function slot(service) {
  if (!known.has(service)) {
    // The one that its name points at, so that it is the same tomorrow; the next free one if another has that.
    let at = hash(service) % colours
    for (let tries = 0; tries < colours && taken[at] > Math.min(...used()); tries++) at = (at + 1) % colours
    taken[at] = (taken[at] ?? 0) + 1
    known.set(service, { colour: at, striped: taken[at] % 2 === 0 })
  }
  return known.get(service)
}

function used() {
  return Array.from({ length: colours }, (_, i) => taken[i] ?? 0)
}

// serviceClass returns the classes that give an element the custom property --service, and stripes.
export function serviceClass(service) {
  const { colour, striped } = slot(service)
  return `service-${colour}${striped ? ' striped' : ''}`
}

// serviceColour returns the colour itself, as it is now in this theme, for a canvas.
export function serviceColour(service) {
  return colourOf(`--service-${slot(service).colour}`)
}

// colourOf resolves a custom property of the theme to a colour.
export function colourOf(property) {
  const probe = document.createElement('i')
  probe.style.color = `var(${property})`
  document.body.append(probe)
  const colour = getComputedStyle(probe).color
  probe.remove()
  return colour
}
