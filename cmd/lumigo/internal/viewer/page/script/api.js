// What the viewer's HTTP API answers. docs/viewer.md describes it.

// Failure is an answer that was none. Its message says what went wrong and hint, if there is one, what to do.
export class Failure extends Error {
  constructor(message, hint = '', status = 0) {
    super(message)
    this.hint = hint
    this.status = status
  }
}

const base = '/api/v1/'

async function request(path, options) {
  let response
  try {
    response = await fetch(base + path, options)
  } catch (error) {
    if (error.name === 'AbortError') throw error
    throw new Failure('The viewer does not answer', 'Is lumigo view still running?')
  }
  if (response.ok) return response
  const text = await response.text().catch(() => '')
  let said = {}
  try {
    said = JSON.parse(text)
  } catch {
    said.error = text.trim().slice(0, 300)
  }
  throw new Failure(said.error || `The viewer answered ${response.status} ${response.statusText}`, said.hint, response.status)
}

async function json(path, options) {
  const response = await request(path, options)
  try {
    return await response.json()
  } catch (error) {
    if (error.name === 'AbortError') throw error
    throw new Failure('The viewer\'s answer broke off or is damaged')
  }
}

// lines yields each line of an NDJSON answer, and null for an empty one, which is sent now and then while there is
// nothing to say. If not even that comes for quiet milliseconds, the connection is taken for lost.
async function* lines(path, signal, quiet = 45000) {
  const response = await request(path, { signal })
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
  let rest = ''
  try {
    for (;;) {
      let timer
      const late = new Promise((_, reject) => {
        timer = setTimeout(() => reject(new Failure('The connection to the viewer was lost')), quiet)
      })
      let read
      try {
        read = await Promise.race([reader.read(), late])
      } catch (error) {
        if (error.name === 'AbortError' || error instanceof Failure) throw error
        throw new Failure('The connection to the viewer was lost')
      } finally {
        clearTimeout(timer)
      }
      const parts = (rest + (read.value ?? '')).split('\n')
      rest = parts.pop()
      for (const part of parts) yield parsed(part)
      if (read.done) break
    }
    if (rest !== '') yield parsed(rest)
  } finally {
    reader.cancel().catch(() => {})
  }
}

function parsed(line) {
  try {
    return line === '' ? null : JSON.parse(line)
  } catch {
    throw new Failure('The viewer\'s answer broke off or is damaged')
  }
}

async function all(path, signal) {
  const values = []
  for await (const value of lines(path, signal)) if (value !== null) values.push(value)
  return values
}

const id = encodeURIComponent

export const status = (signal) => json('status', { signal })
export const traces = (search, signal) => all(`traces?${search}`, signal)
export const follow = (search, signal) => lines(`traces?${search}`, signal)
export const trace = (traceId, signal) => json(`traces/${id(traceId)}`, { signal })
export const span = (traceId, { spanId, occurrence }, signal) => json(`traces/${id(traceId)}/spans/${id(spanId)}${occurrence ? `?occurrence=${occurrence}` : ''}`, { signal })
export const logs = (traceId, signal) => all(`traces/${id(traceId)}/logs`, signal)
export const compare = (a, b, signal) => json(`compare?a=${id(a)}&b=${id(b)}`, { signal })
export const services = (signal) => json('services', { signal })
export const map = (search, signal) => json(`map?${search}`, { signal })
export const attributes = (prefix, signal) => json(`attributes?prefix=${id(prefix)}`, { signal })
export const forget = () => json('traces', { method: 'DELETE' })
export const load = (file) => json('import', { method: 'POST', body: file, headers: { 'Content-Type': 'application/octet-stream' } })
export const exportAddress = (traceId, format) => `${base}traces/${id(traceId)}/export${format ? `?format=${format}` : ''}`
