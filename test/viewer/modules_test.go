package viewer

import (
	"testing"
)

// What the page's modules compute by themselves, asked in the browser that they run in.
func TestModules(t *testing.T) {
	p := open(t, startViewer(t), "/")
	for _, test := range []struct{ module, expression, want string }{
		{"format", "m.duration(0)", "0 ns"},
		{"format", "m.duration(950)", "950 ns"},
		{"format", "m.duration(12345)", "12.3 µs"},
		{"format", "m.duration(999600000)", "1.00 s"}, // not "1000 ms"
		{"format", "m.duration(59960000000)", "1 min 0 s"},
		{"format", "m.duration(3725000000000)", "1 h 2 min"},
		{"format", "m.change(-1500000)", "−1.50 ms"},
		{"format", "[0, 5e7, 1e8, 2.5e6].map(m.tick).join()", "0,50 ms,100 ms,2.5 ms"},
		{"format", "m.ticks(0, 336e6, 6).map(m.tick).join()", "0,100 ms,200 ms,300 ms"},
		{"format", "m.fullTime('1700000000123456789')", "2023-11-14 22:13:20.123456789 UTC"},
		{"format", "[0.5, 0.0004, 0, 1].map(m.percent).join()", "50%,<0.1%,0%,100%"},
		{"format", "[2, 0.2, 0.001, 0].map(m.rate).join()", "2.00/s,12.0/min,3.60/h,0/s"},

		{"format", "['sqlite /var/lib/shop/stock.db', '/a/b', 'postgresql shop', 'sqlite :memory:', 'sqlite /'].map(m.base).join()", "sqlite stock.db,b,postgresql shop,sqlite :memory:,sqlite /"},

		{"pretty", "set(m.json('{\"a\":[1,2,{}],\"b\":null}'))", "{\n  \"a\": [\n    1,\n    2,\n    {}\n  ],\n  \"b\": null\n}"},
		{"pretty", "set(m.json('{\"a\": \"x\\\\\"y\", \"cut\": [1, \"of'))", "{\n  \"a\": \"x\\\"y\",\n  \"cut\": [\n    1,\n    \"of"},
		{"pretty", "set(m.json('[12345678901234567890]'))", "[\n  12345678901234567890\n]"},
		{"pretty", "m.json('plain text')", ""},
		{"pretty", "set(m.json('[}]}{'))", "[\n  \n}\n]\n}{\n  "},
		{"pretty", "m.json('{\"a\": \"****\"}').filter((t) => t.kind === 'masked').length", "1"},
		{"pretty", "set(m.sql('select a from t where x = 1 and y in (select z from u) order by a limit 3'))", "select a\nfrom t\nwhere x = 1\n  and y in (select z from u)\norder by a\nlimit 3"},
		{"pretty", "set(m.sql('INSERT INTO t (a) VALUES ($1) ON CONFLICT DO UPDATE SET a = $1'))", "INSERT INTO t (a)\nVALUES ($1) ON CONFLICT DO UPDATE\nSET a = $1"},
		{"pretty", "set(m.sql('DELETE FROM t USING u'))", "DELETE FROM t USING u"},
		{"pretty", "set(m.sql('SELECT \\'from (\\' -- where\\nFROM t'))", "SELECT 'from (' -- where\nFROM t"}, // lines of its own are kept
		{"pretty", "m.sql('SELECT \\'unclosed').map((t) => t.kind).join()", "keyword,space,string"},
		{"pretty", "JSON.stringify(m.pairs('{\"a\": \"1\", \"b\": 2}'))", `[["a","1"],["b","2"]]`},
		{"pretty", "m.pairs('{\"a\": {}}')", ""},

		{"query", "read('service:\"my shop\" two words http.route~x')", `{"service":"my shop","text":"two words","attribute":["http.route=~x"]}`},
		{"query", "read('https://a.example/?b=c')", `{"text":"https://a.example/?b=c","attribute":[]}`}, // no attribute
		{"query", "read('duration>=1.5s duration<2m')", `{"minDuration":"1.5s","maxDuration":"2m","text":"","attribute":[]}`},
		{"query", "String(m.toAddress(m.fromAddress(new URLSearchParams('service=a&attribute=b%3Dc&attribute=d&other=1'))))", "service=a&attribute=b%3Dc&attribute=d"},
		{"query", "m.chips(m.fromAddress(new URLSearchParams('attribute=a%3D~b&attribute=c&status=error'))).map((c) => c.label + ' ' + c.value).join()", "status error,a contains b,has c"},

		{"dom", "m.visible('a\\u202eb\\u0000c\\r\\nd\\te\\rf\\u{e0041}')", "a‹U+202E›b‹U+0000›c\r\nd\te‹U+000D›f‹U+E0041›"},
		{"dom", "m.visible('\\u{1f469}\\u200d\\u{1f4bb} नमस्ते')", "👩\u200d💻 नमस्ते"}, // joined characters stay joined

		{"colour", "new Set(['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'].map(m.serviceClass)).size", "8"},
		{"colour", "(() => { for (let i = 0; i < 40; i++) m.serviceClass('s' + i); return m.serviceClass('s39').includes('service-') && m.serviceClass('a') === m.serviceClass('a') })()", "true"},
	} {
		got := eval[string](p, `import('/script/`+test.module+`.js').then((m) => {
			const set = (tokens) => tokens.map((t) => t.text).join('')
			const read = (words) => {
				const query = { attribute: [] }
				const mistake = m.understand(query, words)
				const { attribute, ...rest } = query
				return mistake || JSON.stringify({ ...rest, attribute })
			}
			return String(`+test.expression+` ?? '').replaceAll('\u00a0', ' ')
		})`)
		if got != test.want {
			t.Errorf("%s: %s\ngot  %q\nwant %q", test.module, test.expression, got, test.want)
		}
	}
}
