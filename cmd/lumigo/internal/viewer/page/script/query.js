// What is searched for: in an address, in words as they are typed, and in the chips that stand for them.

// A query is { text, service, name, status, minDuration, maxDuration, since, until, attribute: [] }; the names are
// those of the HTTP API, and of the page's own address.

const single = ['text', 'service', 'name', 'status', 'minDuration', 'maxDuration', 'since', 'until']

// fromAddress reads a query from the parameters of an address.
export function fromAddress(parameters) {
  const query = { attribute: parameters.getAll('attribute') }
  for (const name of single) if (parameters.get(name)) query[name] = parameters.get(name)
  return query
}

// toAddress writes a query as such parameters.
export function toAddress(query) {
  const parameters = new URLSearchParams()
  for (const name of single) if (query[name]) parameters.set(name, query[name])
  for (const a of query.attribute) parameters.append('attribute', a)
  return parameters
}

// isEmpty reports whether a query finds everything.
export function isEmpty(query) {
  return String(toAddress(query)) === ''
}

const named = /^(service|name|status|since|until):(.*)$/s
const timed = /^duration([<>])=?(.*)$/s
const attributed = /^([\p{L}\p{N}_.\-/]+)(=~|=|~)(.*)$/su
const length = /^\d+(\.\d+)?(ns|us|µs|ms|s|m|h)$/
const instant = /^(\d+(\.\d+)?(ms|s|m|h)|\d{16,20}|\d{4}-\d\d-\d\d.*)$/

// understand adds to a query what words say. It returns what it did not understand as a mistake, which is a sentence
// with the remedy, or ''.
export function understand(query, words) {
  const text = []
  for (const word of split(words)) {
    let m
    if ((m = named.exec(word))) {
      const [, field, value] = m
      if (value === '') return `${field}: wants a value, such as ${examples[field]}`
      if (field === 'status' && !['error', 'ok', 'unset'].includes(value)) return `There is no status “${value}”: write status:error, status:ok or status:unset`
      if ((field === 'since' || field === 'until') && !instant.test(value)) return `“${value}” is no time: write ${field}:15m, or a date such as 2026-01-31T12:00:00Z`
      query[field] = value
    } else if ((m = timed.exec(word))) {
      const value = /^\d+(\.\d+)?$/.test(m[2]) ? m[2] + 'ms' : m[2]
      if (!length.test(value)) return `“${m[2]}” is no duration: write duration${m[1]}100ms, or 1.5s`
      query[m[1] === '>' ? 'minDuration' : 'maxDuration'] = value
    } else if ((m = attributed.exec(word))) {
      const condition = m[1] + (m[2] === '=' ? '=' : '=~') + m[3]
      if (!query.attribute.includes(condition)) query.attribute.push(condition)
    } else {
      text.push(word)
    }
  }
  query.text = text.join(' ')
  return ''
}

const examples = { service: 'service:shop', name: 'name:checkout', status: 'status:error', since: 'since:15m', until: 'until:5m' }

// split cuts what was typed into words; a part in double quotes is one, or belongs to the one it is in.
function split(typed) {
  const words = []
  for (const m of typed.matchAll(/(?:"([^"]*)"?|[^\s"])+/g)) words.push(m[0].replaceAll('"', ''))
  return words
}

// quote writes a word so that split keeps it whole.
export function quote(word) {
  return /\s/.test(word) ? `"${word.replaceAll('"', '')}"` : word
}

// chips lists what a query asks for besides its text: { label, value, remove } where remove is called with a query to
// take it out of.
export function chips(query) {
  const list = []
  const chip = (field, label) => {
    if (query[field]) list.push({ label, value: query[field], remove: (q) => delete q[field] })
  }
  chip('service', 'service')
  chip('name', 'name')
  chip('status', 'status')
  chip('minDuration', 'duration ≥')
  chip('maxDuration', 'duration ≤')
  chip('since', 'since')
  chip('until', 'until')
  for (const condition of query.attribute) {
    const [, key, operator, value] = /^(.*?)(=~|=)(.*)$/s.exec(condition) ?? [null, 'has', '', condition]
    list.push({ label: key + ({ '=~': ' contains', '=': ' =' }[operator] ?? ''), value, remove: (q) => { q.attribute = q.attribute.filter((c) => c !== condition) } })
  }
  return list
}
