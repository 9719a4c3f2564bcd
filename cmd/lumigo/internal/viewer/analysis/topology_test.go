package analysis

import (
	"fmt"
	"strings"
	"testing"
)

func TestMap(t *testing.T) {
	tests := []struct {
		name   string
		traces []string
		want   string
	}{
		{"a call from service to service, as the caller saw it", []string{`
			1 0 0 100 order web server
			2 1 10 90 GET web client external:stock:80
			3 2 20 80 GET stock server error`}, `
service stock: 1 requests, 1 errors, 60
service web: 1 requests, 0 errors, 100
service web → service stock: 1 requests, 0 errors, 80`},
		{"a call that nobody answers with a span", []string{`
			1 0 0 100 order web server
			2 1 10 90 GET web client external:payments.example
			3 1 10 20 SELECT web client database:postgresql
			4 1 20 50 SELECT web client database:postgresql error`}, `
service web: 1 requests, 0 errors, 100
database postgresql: 2 requests, 1 errors, 10 30
external payments.example: 1 requests, 0 errors, 80
service web → database postgresql: 2 requests, 1 errors, 10 30
service web → external payments.example: 1 requests, 0 errors, 80`},
		{"two processes of one service", []string{`
			1 0 0 100 POST shop client external:localhost
			2 1 10 90 POST shop server
			3 2 20 30 inside shop`}, `
service shop: 1 requests, 0 errors, 80
service shop → service shop: 1 requests, 0 errors, 100`},
		{"messages, of which one is not received", []string{`
			1 0 0 10 order web server
			2 1 1 2 send web producer messaging:kafka-orders
			3 2 50 60 process mailer consumer messaging:kafka-orders
			4 1 3 4 send web producer messaging:kafka-orders`, `
			1 9 0 5 process mailer consumer messaging:kafka-orders`}, `
service mailer: 2 requests, 0 errors, 10 5
service web: 1 requests, 0 errors, 10
messaging kafka-orders: 2 requests, 0 errors, 1 1
service web → messaging kafka-orders: 2 requests, 0 errors, 1 1
messaging kafka-orders → service mailer: 2 requests, 0 errors, 10 5`},
		{"a caller that made no span of the call", []string{`
			1 0 0 100 order web server
			2 1 10 90 GET stock server`}, `
service stock: 1 requests, 0 errors, 80
service web: 1 requests, 0 errors, 100
service web → service stock: 1 requests, 0 errors, 80`},
		{"work that nobody asked for", []string{"1 0 0 7 tick cron", "1 1 0 5 self cron"}, `
service cron: 2 requests, 0 errors, 7 5`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var m Map
			for _, text := range tt.traces {
				m.Add(trace(text))
			}
			var b strings.Builder
			show := func(what string, t *Traffic) {
				fmt.Fprintf(&b, "%s: %d requests, %d errors, %s\n", what, t.Requests, t.Errors, strings.Trim(fmt.Sprint(t.durations), "[]"))
			}
			endpoint := func(e Endpoint) string { return e.Kind + " " + e.Name }
			m.Nodes(func(e Endpoint, t *Traffic) { show(endpoint(e), t) })
			m.Edges(func(c Call, t *Traffic) { show(endpoint(c.From)+" → "+endpoint(c.To), t) })
			if got := lines(b.String()); got != lines(tt.want) {
				t.Errorf("got\n%s\nwant\n%s", got, lines(tt.want))
			}
		})
	}
}

func TestPercentiles(t *testing.T) {
	tests := []struct {
		durations []uint64
		p50, p95  uint64
	}{
		{nil, 0, 0},
		{[]uint64{7}, 7, 7},
		{[]uint64{3, 1, 2}, 2, 3},
		{[]uint64{20, 19, 18, 17, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1}, 10, 19},
	}
	for _, tt := range tests {
		traffic := Traffic{durations: tt.durations}
		if p50, p95 := traffic.Percentile(50), traffic.Percentile(95); p50 != tt.p50 || p95 != tt.p95 {
			t.Errorf("%v: got %d and %d, want %d and %d", tt.durations, p50, p95, tt.p50, tt.p95)
		}
	}
}

func TestOperations(t *testing.T) {
	var o Operations
	o.Add(trace(`
		1 0 0 10 GET stock server
		2 0 0 20 GET stock server error
		3 0 0 30 GET stock client
		4 0 0 40 GET orders server`))
	var got []string
	o.Each(func(op Operation, t *Traffic) {
		got = append(got, fmt.Sprint(op.Service, " ", op.Name, " ", op.Kind, " ", t.Requests, " ", t.Errors))
	})
	want := "orders GET 2 1 0, stock GET 2 2 1, stock GET 3 1 0"
	if text := strings.Join(got, ", "); text != want {
		t.Errorf("got  %s\nwant %s", text, want)
	}
}
