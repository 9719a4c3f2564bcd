// Dragging across a picture to choose a part of it.

// dragAcross follows the pointer from a pointerdown until it is let go, and shows band between the two places. Places
// are pixels from the left of frame, between least and most. chosen(begin, end) is called at the end, in the order of
// the places, or clicked(event) if the pointer hardly moved.
export function dragAcross(event, { frame, band, least = 0, most = Infinity, chosen, clicked }) {
  if (event.button !== 0) return
  event.preventDefault()
  const target = event.currentTarget
  const box = frame.getBoundingClientRect()
  const place = (e) => Math.min(most, box.width, Math.max(least, e.clientX - box.left))
  const begin = place(event)
  let end = begin
  const move = (e) => {
    end = place(e)
    band.hidden = Math.abs(end - begin) < 4
    band.style.left = `${Math.min(begin, end)}px`
    band.style.width = `${Math.abs(end - begin)}px`
  }
  target.setPointerCapture(event.pointerId)
  target.addEventListener('pointermove', move)
  target.addEventListener('lostpointercapture', () => {
    target.removeEventListener('pointermove', move)
    band.hidden = true
    if (Math.abs(end - begin) >= 4) chosen(Math.min(begin, end), Math.max(begin, end))
    else clicked?.(event)
  }, { once: true })
}
