package demo

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

func TestDraw(t *testing.T) {
	const ms = int64(time.Millisecond)
	trace := &Trace{
		Summary: Summary{TraceID: "4bf92f3577b34da6a3ce929d0e0e4736", Duration: 400 * ms, Errors: 2, Services: []Service{{"web"}, {"stock"}, {"orders"}}},
		Spans: []Span{
			{Depth: 0, Service: "web", Name: "POST", Start: 0, Duration: 400 * ms, Status: "error", attributes: map[string]any{"url.path": "/checkout", "http.response.status_code": 502.0}},
			{Depth: 1, Service: "web", Name: "GET", Start: 10 * ms, Duration: 190 * ms, Status: "unset", attributes: map[string]any{"url.full": "http://127.0.0.1:1/items/pear?x=1"}},
			{Depth: 2, Service: "stock", Name: "SELECT items", Start: 20 * ms, Duration: 250_000, Status: "unset"},
			{Depth: 2, Service: "stock", Name: "SELECT", Start: 21 * ms, Duration: 170 * ms, Status: "unset"},
			{Depth: 1, Service: "web", Name: "POST", Start: 210 * ms, Duration: 180 * ms, Status: "error", attributes: map[string]any{"url.full": "http://127.0.0.1:2/orders", "error.type": "ConnectionError"}},
			{Depth: 2, Service: "orders", Name: "POST /orders", Start: 380 * ms, Duration: 1500 * ms, Status: "ok", attributes: map[string]any{"url.path": "/orders"}},
		},
	}
	tests := []struct {
		name  string
		style Style
		want  string
	}{
		{"a file", Style{}, `trace 4bf92f3577b34da6a3ce929d0e0e4736  400.0 ms, 6 spans, 3 services, 2 errors

POST /checkout      web     ████████████████████████████████  400.0 ms  ✗ 502
├─ GET /items/pear  web     ████████████████                  190.0 ms
│  ├─ SELECT items  stock    █                                  250 µs
│  └─ SELECT        stock    ██████████████                   170.0 ms
└─ POST /orders     web                     ███████████████   180.0 ms  ✗ ConnectionError
   └─ POST /orders  orders                                ██    1.50 s
`},
		{"a narrow terminal", Style{Width: 50}, `trace 4bf92f3577b34da6a3ce929d0e0e4736  400.0 ms, 6 spans, 3 services, 2 errors

POST /checkout      web     400.0 ms  ✗ 502
├─ GET /items/pear  web     190.0 ms
│  ├─ SELECT items  stock     250 µs
│  └─ SELECT        stock   170.0 ms
└─ POST /orders     web     180.0 ms  ✗ ConnectionError
   └─ POST /orders  orders    1.50 s
`},
		{"a terminal with colours", Style{Width: 40, Colour: true}, `<1>trace 4bf92f3577b34da6a3ce929d0e0e4736<0>  400.0 ms, 6 spans, 3 services, 2 errors

POST /checkout      <36>web<0>     400.0 ms  <31>✗ 502<0>
<2>├─ <0>GET /items/pear  <36>web<0>     190.0 ms
<2>│  ├─ <0>SELECT items  <33>stock<0>     250 µs
<2>│  └─ <0>SELECT        <33>stock<0>   170.0 ms
<2>└─ <0>POST /orders     <36>web<0>     180.0 ms  <31>✗ ConnectionError<0>
<2>   └─ <0>POST /orders  <35>orders<0>    1.50 s
`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var b bytes.Buffer
			if err := trace.Draw(&b, tt.style); err != nil {
				t.Fatal(err)
			}
			want := strings.NewReplacer("<", "\x1b[", ">", "m").Replace(tt.want)
			if b.String() != want {
				t.Errorf("got\n%s\nwant\n%s", b.String(), want)
			}
		})
	}
}

// Nothing that the user has set for an application of their own has a part in the demo, least of all a token.
func TestQuiet(t *testing.T) {
	got := quiet([]string{"PATH=/bin", "LUMIGO_TRACER_TOKEN=t_1", "OTEL_TRACES_SAMPLER=always_off", "AUTOWRAPT_BOOTSTRAP=x", "PYTHONPATH=y", "HOME=/root"})
	if want := []string{"PATH=/bin", "HOME=/root"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestUnpack(t *testing.T) {
	shop := fstest.MapFS{"web.py": {Data: []byte("print()\n")}, "orders/main.go": {Data: []byte("package main\n")}}
	cache, temp := t.TempDir(), t.TempDir()
	t.Setenv("XDG_CACHE_HOME", cache)
	first, err := unpack(shop, temp)
	if err != nil || !strings.HasPrefix(first, cache) {
		t.Fatalf("got %q, %v", first, err)
	}
	// What somebody has changed there is put right.
	if err := os.WriteFile(filepath.Join(first, "web.py"), []byte("broken"), 0o644); err != nil {
		t.Fatal(err)
	}
	second, err := unpack(shop, temp)
	if err != nil || second != first {
		t.Fatalf("the same sources went to %q and %q: %v", first, second, err)
	}
	for name, want := range map[string]string{"web.py": "print()\n", "orders/main.go": "package main\n", "go.mod": "module example.com/shop\n\ngo 1.22\n"} {
		if text, err := os.ReadFile(filepath.Join(second, name)); err != nil || string(text) != want {
			t.Errorf("%s is %q, %v", name, text, err)
		}
	}
	t.Setenv("XDG_CACHE_HOME", "/proc/nowhere")
	if dir, err := unpack(shop, temp); err != nil || dir != filepath.Join(temp, "shop") {
		t.Errorf("without a cache, got %q, %v", dir, err)
	}
}
