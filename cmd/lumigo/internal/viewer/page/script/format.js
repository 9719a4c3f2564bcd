// Numbers, times and ids as people read them.

const space = '\u00a0'

// duration writes nanoseconds with three digits that count.
export function duration(ns) {
  const sign = ns < 0 ? '−' : ''
  ns = Math.abs(ns)
  if (ns < 1e3) return `${sign}${Math.round(ns)}${space}ns`
  if (ns < 999.5e3) return sign + digits(ns / 1e3) + space + 'µs'
  if (ns < 999.5e6) return sign + digits(ns / 1e6) + space + 'ms'
  if (ns < 59.95e9) return sign + digits(ns / 1e9) + space + 's'
  const seconds = Math.round(ns / 1e9)
  if (seconds < 3600) return `${sign}${Math.floor(seconds / 60)}${space}min${space}${seconds % 60}${space}s`
  const minutes = Math.round(seconds / 60)
  return `${sign}${Math.floor(minutes / 60)}${space}h${space}${minutes % 60}${space}min`
}

// tick is duration without zeros that say nothing, for a scale.
export function tick(ns) {
  return ns === 0 ? '0' : duration(ns).replace(/\.?0+(?=\u00a0)/, (zeros, at, text) => text.slice(0, at + zeros.length).includes('.') ? '' : zeros)
}

function digits(x) {
  return x >= 99.95 ? x.toFixed(0) : x >= 9.995 ? x.toFixed(1) : x.toFixed(2)
}

// change writes a difference of durations with its sign.
export function change(ns) {
  return ns > 0 ? '+' + duration(ns) : duration(ns)
}

// count groups the digits of a whole number.
export function count(n) {
  return Math.round(n).toLocaleString('en-GB')
}

// plural writes "1 span", "2 spans".
export function plural(n, noun) {
  return `${count(n)}${space}${noun}${n === 1 ? '' : 's'}`
}

// list writes "1 span, 2 logs" and leaves out what there is none of.
export function list(...pairs) {
  return pairs.filter(([n]) => n > 0).map(([n, noun]) => plural(n, noun)).join(', ')
}

// rate writes how often something happens.
export function rate(perSecond) {
  if (perSecond >= 1) return `${digits(perSecond)}/s`
  if (perSecond * 60 >= 1) return `${digits(perSecond * 60)}/min`
  return perSecond > 0 ? `${digits(perSecond * 3600)}/h` : '0/s'
}

// percent writes a share, and never rounds a little to nothing.
export function percent(share) {
  const p = share * 100
  if (p > 0 && p < 0.1) return '<0.1%'
  return `${p >= 9.95 || p === 0 ? p.toFixed(0) : p.toFixed(1)}%`
}

// bytes writes an amount of memory.
export function bytes(n) {
  for (const unit of ['B', 'KiB', 'MiB']) {
    if (n < 1024) return (unit === 'B' ? n : digits(n)) + space + unit
    n /= 1024
  }
  return digits(n) + space + 'GiB'
}

// milliseconds turns an instant, a string of Unix nanoseconds, into what Date takes.
export function milliseconds(instant) {
  return Number(BigInt(instant) / 1000000n)
}

const two = (n) => String(n).padStart(2, '0')

// time writes the time of day of an instant, with its date unless that is today.
export function time(instant) {
  const date = new Date(milliseconds(instant))
  const day = date.toDateString() === new Date().toDateString() ? '' : `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} `
  return `${day}${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${String(date.getMilliseconds()).padStart(3, '0')}`
}

// fullTime writes an instant with all its digits, in UTC.
export function fullTime(instant) {
  const iso = new Date(milliseconds(instant)).toISOString()
  return `${iso.slice(0, 19).replace('T', ' ')}.${String(BigInt(instant) % 1000000000n).padStart(9, '0')} UTC`
}

// ago says how long ago an instant was.
export function ago(instant) {
  const seconds = Math.max(0, Math.round((Date.now() - milliseconds(instant)) / 1000))
  if (seconds < 60) return `${seconds}${space}s ago`
  if (seconds < 3600) return `${Math.floor(seconds / 60)}${space}min ago`
  if (seconds < 86400) return `${Math.floor(seconds / 3600)}${space}h ago`
  return `${plural(Math.floor(seconds / 86400), 'day')} ago`
}

// clip cuts text that is longer than anybody reads in a row.
export function clip(text, limit = 200) {
  return text.length > limit ? text.slice(0, limit) + '…' : text
}

// base shortens the path of a file, such as that of a database, to what tells most: its last part.
export function base(name) {
  return name.replace(/(^|\s)\/(?:[^/\s]+\/)+(?=[^/\s])/g, '$1')
}

// shortId is enough of an id to tell it from others by eye.
export function shortId(id) {
  return id.slice(0, 8)
}

// ticks chooses round values between from and to, about n of them.
export function ticks(from, to, n) {
  const span = to - from
  if (!(span > 0)) return [from]
  const rough = span / n
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= rough)
  const values = []
  for (let v = Math.ceil(from / step) * step; v <= to; v += step) values.push(v)
  return values
}
