package engine

import (
	"context"
	"fmt"
	"io"
	nethttp "net/http"
	"net/http/httptest"
	"syscall"
	"testing"
	"time"
)

// cpu is the processor time that this process has used.
func cpu() time.Duration {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkDecodeToWire takes spans of 8 attributes from a frame to a backend
// that answers at once: decoded, masked, encoded, queued, sent. The backend
// runs in this process, and its cost, which is small, is in the figure.
func BenchmarkDecodeToWire(b *testing.B) {
	for _, perFrame := range []int{1, 32} {
		b.Run(fmt.Sprintf("spansPerFrame=%d", perFrame), func(b *testing.B) {
			backend := httptest.NewServer(nethttp.HandlerFunc(func(w nethttp.ResponseWriter, r *nethttp.Request) { io.Copy(io.Discard, r.Body) }))
			defer backend.Close()
			e, err := Listen(Options{Dir: b.TempDir()})
			if err != nil {
				b.Fatal(err)
			}
			defer e.Close(context.Background())
			p := &process{pid: 1, profile: e.profile([]string{"LUMIGO_TRACER_TOKEN=t_123456789012345678901", "LUMIGO_ENDPOINT=" + backend.URL}, true)}
			p.introduce(p.profile, nil)
			var body []byte
			for range perFrame {
				body = encode(body, span("GET /orders/{id}", eightAttributes()))
			}
			h := header{version, frameRecords, uint16(perFrame), 1, 0}
			var d decoder
			before := cpu()
			b.ReportAllocs()
			b.ResetTimer()
			n := 0
			for b.Loop() {
				p.records(e, &d, h, body)
				if n += perFrame; n%10000 < perFrame { // let it be delivered
					p.profile.exporter.Flush(context.Background())
				}
			}
			p.profile.exporter.Flush(context.Background())
			b.ReportMetric(float64(cpu()-before)/float64(n), "cpu-ns/span")
			if t := p.profile.exporter.Totals(); t.Delivered != int64(n) {
				b.Fatalf("%v of %d", t, n)
			}
		})
	}
}
