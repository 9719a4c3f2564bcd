//go:build go1.25

package export

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lumigo-io/opentelemetry-distro/internal/config"
	"github.com/lumigo-io/opentelemetry-distro/internal/diag"
)

// The tests below are about time, and run in a bubble where it is not real:
// hours pass at once, and to the nanosecond. Connections would be outside of
// it, so that here a function answers in place of a server.

type script struct {
	start  time.Time
	answer func(n int, r *http.Request) (*http.Response, error)

	mu sync.Mutex
	at []time.Duration // of each request, since the start
}

func (s *script) RoundTrip(r *http.Request) (*http.Response, error) {
	io.Copy(io.Discard, r.Body)
	s.mu.Lock()
	s.at = append(s.at, time.Since(s.start))
	n := len(s.at)
	s.mu.Unlock()
	return s.answer(n, r)
}

// times tells when each request so far was made.
func (s *script) times() []time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.at)
}

func reply(status int, headers ...string) (*http.Response, error) {
	h := http.Header{}
	for i := 0; i < len(headers); i += 2 {
		h.Set(headers[i], headers[i+1])
	}
	return &http.Response{StatusCode: status, Status: fmt.Sprint(status, " ", http.StatusText(status)), Header: h, Body: http.NoBody}, nil
}

// play runs a test in a bubble, with an exporter whose requests answer gets.
func play(t *testing.T, o Options, answer func(n int, r *http.Request) (*http.Response, error), test func(t *testing.T, e *Exporter, s *script, log *lines)) {
	synctest.Test(t, func(t *testing.T) {
		s, log := &script{start: time.Now(), answer: answer}, &lines{}
		o.Export.Endpoint = "http://backend.test/v1/traces"
		o.Log = diag.New(log, diag.Info)
		e := New(o)
		e.client.Transport = s
		test(t, e, s, log)
		e.Shutdown(ended())
	})
}

func ok(int, *http.Request) (*http.Response, error) { return reply(200) }

func TestABatchLeavesWhenItIsFullOrDue(t *testing.T) {
	o := Options{Batch: config.Batch{ScheduleDelay: 7 * time.Second, MaxExportBatchSize: 10}}
	play(t, o, ok, func(t *testing.T, e *Exporter, s *script, _ *lines) {
		time.Sleep(time.Second)
		addSpans(e, 0, 1)
		time.Sleep(20 * time.Second)
		addSpans(e, 1, 29) // two batches, and nine more that wait
		time.Sleep(20 * time.Second)
		if got, want := fmt.Sprint(s.times()), "[8s 21s 21s 28s]"; got != want {
			t.Errorf("requests at %s, want %s", got, want)
		}
	})
}

func TestABatchThatFillsUpWhileItWaitsLeavesAtOnce(t *testing.T) {
	tests := []struct {
		name   string
		o      Options
		add    func(e *Exporter)
		leaves int // with which add
	}{
		{"by number of spans", Options{Batch: config.Batch{MaxExportBatchSize: 10}}, func(e *Exporter) { addSpans(e, 0, 1) }, 10},
		{"by bytes", Options{Export: config.Export{MemoryLimit: 1 << 20}}, func(e *Exporter) {
			e.Add(shop, flask, append(span(1), bytes.Repeat([]byte("\x4a\x00"), 10_000)...))
		}, 7}, // 128 KiB a request
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			play(t, tt.o, ok, func(t *testing.T, e *Exporter, s *script, _ *lines) {
				for i := range tt.leaves {
					if got := len(s.times()); got != 0 {
						t.Fatalf("left after %d adds", i)
					}
					tt.add(e)
					synctest.Wait()
				}
				if got := len(s.times()); got != 1 {
					t.Errorf("%d requests", got)
				}
			})
		})
	}
}

func TestAProcessThatMustNotConnectDoesNotWaitAtItsEnd(t *testing.T) {
	locked := func(int, *http.Request) (*http.Response, error) {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.EACCES)}
	}
	play(t, Options{}, locked, func(t *testing.T, e *Exporter, s *script, log *lines) {
		addSpans(e, 0, 3)
		time.Sleep(time.Minute) // it may be let again
		tries := len(s.times())
		if tries < 3 {
			t.Errorf("%d tries in a minute", tries)
		}
		before := time.Now()
		if err := e.Shutdown(context.Background()); err == nil {
			t.Error("nothing is said to be lost")
		}
		if waited := time.Since(before); waited != 0 || len(s.times()) != tries+1 {
			t.Errorf("it waited %v at its end, and tried %d times", waited, len(s.times())-tries)
		}
		wantTotals(t, e, "3 spans: 0 delivered, 3 dropped (connecting is forbidden: 3)")
		if !strings.Contains(log.String(), "permission denied (if the program locks itself into a sandbox, start it with \"lumigo run\"") {
			t.Errorf("the log says\n%s", log)
		}
	})
}

func TestAFlappingBackendIsNotRepeatedInTheLog(t *testing.T) {
	flapping := func(n int, r *http.Request) (*http.Response, error) { return reply(200 + 303*(n%2)) }
	play(t, Options{}, flapping, func(t *testing.T, e *Exporter, s *script, log *lines) {
		for i := range 50 {
			addSpans(e, i, 1)
			flush(t, e)
			time.Sleep(time.Second / 2)
		}
		if n := strings.Count(log.String(), "\n"); n != 2 {
			t.Errorf("%d lines, want a failure and a recovery:\n%s", n, log)
		}
	})
}

func TestThatTheQueueIsFullIsSaidAgainWhenItIsNews(t *testing.T) {
	var down bool
	var mu sync.Mutex
	set := func(v bool) {
		mu.Lock()
		defer mu.Unlock()
		down = v
	}
	answer := func(int, *http.Request) (*http.Response, error) {
		mu.Lock()
		defer mu.Unlock()
		if down {
			return reply(503)
		}
		return reply(200)
	}
	o := Options{Batch: config.Batch{MaxQueueSize: 10}}
	play(t, o, answer, func(t *testing.T, e *Exporter, s *script, log *lines) {
		for range 2 {
			set(true)
			for range 100 { // one at a time: batches of ten leave, until four are under way
				addSpans(e, 0, 1)
				synctest.Wait()
			}
			time.Sleep(time.Hour)
			set(false)
			flush(t, e)
		}
		if n := strings.Count(log.String(), "is full with 50 spans waiting"); n != 2 {
			t.Errorf("said %d times:\n%s", n, log)
		}
	})
}

func TestPausesGrowAndDiffer(t *testing.T) {
	refuse := func(int, *http.Request) (*http.Response, error) { return nil, errors.New("connection refused") }
	play(t, Options{}, refuse, func(t *testing.T, e *Exporter, s *script, log *lines) {
		addSpans(e, 0, 1)
		time.Sleep(time.Hour)
		var before time.Duration
		exactly := 0
		times := s.times()
		for i, at := range times[1:20] {
			longest := min(250*time.Millisecond<<i, 5*time.Second)
			pause := at - times[i]
			if pause < longest/2 || pause > longest {
				t.Errorf("pause %d is %v, want %v to %v", i, pause, longest/2, longest)
			}
			if pause == before {
				exactly++
			}
			before = pause
		}
		if exactly > 0 {
			t.Errorf("%d pauses are like the one before", exactly)
		}
		if got := e.Totals(); got.Pending != 1 {
			t.Errorf("after an hour: %v", got)
		}
		if n := strings.Count(log.String(), "\n"); n != 1 {
			t.Errorf("%d lines in an hour:\n%s", n, log)
		}
	})
}

func TestRetryAfterHoldsAllRequests(t *testing.T) {
	date := func(d time.Duration) string { return time.Now().UTC().Add(d).Format(http.TimeFormat) }
	tests := []struct {
		name   string
		status int
		header func() string
		after  time.Duration
	}{
		{"429, seconds", 429, func() string { return "30" }, 30 * time.Second},
		{"503, a date", 503, func() string { return date(90 * time.Second) }, 90 * time.Second},
		{"a day is too long", 429, func() string { return "86400" }, longestRetryAfter},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			answer := func(n int, r *http.Request) (*http.Response, error) {
				if n == 1 {
					return reply(tt.status, "Retry-After", tt.header())
				}
				return reply(200)
			}
			play(t, Options{}, answer, func(t *testing.T, e *Exporter, s *script, _ *lines) {
				addSpans(e, 0, 512)
				synctest.Wait()
				addSpans(e, 512, 512) // a batch that has not failed itself
				e.Flush(ended())      // which cuts other pauses short
				time.Sleep(time.Hour)
				if got, want := fmt.Sprint(s.times()), fmt.Sprint([]time.Duration{0, tt.after, tt.after}); got != want {
					t.Errorf("requests at %s, want %s", got, want)
				}
				wantTotals(t, e, "1,024 spans: 1,024 delivered")
			})
		})
	}
}

func TestShutdownDoesNotWaitForATurnThatComesTooLate(t *testing.T) {
	later := func(int, *http.Request) (*http.Response, error) { return reply(429, "Retry-After", "60") }
	play(t, Options{}, later, func(t *testing.T, e *Exporter, s *script, _ *lines) {
		addSpans(e, 0, 512)
		synctest.Wait()
		addSpans(e, 512, 5000)
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		began := time.Now()
		if err := e.Shutdown(ctx); err == nil || time.Since(began) != 0 {
			t.Errorf("got %v after %v", err, time.Since(began))
		}
		wantTotals(t, e, "5,512 spans: 0 delivered, 5,512 dropped (deadline at shutdown: 5,512)")
	})
}

func TestTheEarlierOfTwoShutdownsDecidesWhatIsTooLate(t *testing.T) {
	later := func(int, *http.Request) (*http.Response, error) { return reply(429, "Retry-After", "60") }
	play(t, Options{}, later, func(t *testing.T, e *Exporter, s *script, _ *lines) {
		addSpans(e, 0, 512)
		synctest.Wait()
		began := time.Now()
		shutdown := func(within time.Duration) {
			ctx, cancel := context.WithTimeout(context.Background(), within)
			defer cancel()
			e.Shutdown(ctx)
		}
		go shutdown(time.Hour)
		synctest.Wait()
		shutdown(10 * time.Second)
		if waited := time.Since(began); waited != 0 {
			t.Errorf("waited %v", waited)
		}
		e.Shutdown(ended())
	})
}

func TestAnAttemptHasATimeout(t *testing.T) {
	hang := func(n int, r *http.Request) (*http.Response, error) {
		if n > 1 {
			return reply(200)
		}
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	o := Options{Export: config.Export{Timeout: 3 * time.Second}}
	play(t, o, hang, func(t *testing.T, e *Exporter, s *script, log *lines) {
		addSpans(e, 0, 512)
		flush(t, e)
		if at := s.times(); len(at) != 2 || at[1] < 3*time.Second || at[1] > 3250*time.Millisecond {
			t.Errorf("requests at %v", at)
		}
		if !strings.Contains(log.String(), "no answer within 3s") {
			t.Errorf("log: %s", log)
		}
	})
}

func TestTheEndOfAnOutageEndsAllPauses(t *testing.T) {
	var began time.Time
	outage := func(n int, r *http.Request) (*http.Response, error) {
		if time.Since(began) < time.Minute {
			return reply(503)
		}
		return reply(200)
	}
	play(t, Options{}, outage, func(t *testing.T, e *Exporter, s *script, log *lines) {
		began = time.Now()
		addSpans(e, 0, 100*512)
		time.Sleep(2 * time.Minute)
		at, first := s.times(), 0
		for at[first] < time.Minute {
			first++
		}
		if last := at[len(at)-1]; last != at[first] || last > 65*time.Second {
			t.Errorf("the first success was at %v, the last at %v", at[first], last)
		}
		wantTotals(t, e, "51,200 spans: 51,200 delivered")
		got := strings.Split(strings.TrimSpace(log.String()), "\n")
		if len(got) < 2 || len(got) > 3 || !strings.Contains(got[len(got)-1], "again, after 1m") ||
			!strings.Contains(got[len(got)-1], "51,200 spans had to wait") {
			t.Errorf("log:\n%s", log)
		}
	})
}

func TestTheEndOfAShortOutageHurriesNobody(t *testing.T) {
	overloaded := func(n int, r *http.Request) (*http.Response, error) {
		if n <= 2 || r.ContentLength < 200 { // both batches at first, and the small one always
			return reply(503)
		}
		return reply(200)
	}
	o := Options{Batch: config.Batch{MaxExportBatchSize: 10, ScheduleDelay: time.Millisecond}}
	play(t, o, overloaded, func(t *testing.T, e *Exporter, s *script, _ *lines) {
		addSpans(e, 0, 11)
		time.Sleep(time.Minute)
		at := s.times()
		for i := range at[:len(at)-1] {
			if at[i] == at[i+1] {
				t.Errorf("two requests at %v", at[i])
			}
		}
		wantTotals(t, e, "11 spans: 10 delivered, 1 waiting")
	})
}

func TestABatchThatTheBackendChokesOnIsRejected(t *testing.T) {
	poisoned := func(n int, r *http.Request) (*http.Response, error) {
		if r.ContentLength < 200 { // the first span alone
			return reply(500)
		}
		return reply(200)
	}
	o := Options{Batch: config.Batch{MaxExportBatchSize: 10, ScheduleDelay: time.Second / 3}}
	play(t, o, poisoned, func(t *testing.T, e *Exporter, s *script, log *lines) {
		addSpans(e, 0, 1)
		time.Sleep(time.Hour)
		if got := e.Totals(); got.Pending != 1 {
			t.Errorf("while nothing else gets through: %v, want it kept", got)
		}
		for i := range 60 {
			addSpans(e, 10*i, 10)
			time.Sleep(time.Second)
		}
		wantTotals(t, e, "601 spans: 600 delivered, 1 dropped (rejected: 1)")
		last := time.Duration(0) // attempt at the batch of one span, which is not that of the others' pace
		for _, at := range s.times() {
			if at%time.Second != 0 {
				last = at
			}
		}
		if after := last - time.Hour; after < 12*time.Second {
			t.Errorf("given up after %v, want it to have nine pauses", after)
		}
		if !strings.Contains(log.String(), "refused 1 span, which are dropped: 500 Internal Server Error") {
			t.Errorf("log:\n%s", log)
		}
	})
}

func TestABatchSurvivesWhatOTLPCallsRetryable(t *testing.T) {
	for _, status := range []int{408, 429, 502, 503, 504} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			unlucky := func(n int, r *http.Request) (*http.Response, error) {
				if r.ContentLength < 200 {
					return reply(status)
				}
				return reply(200)
			}
			o := Options{Batch: config.Batch{MaxExportBatchSize: 10, ScheduleDelay: time.Second / 3}}
			play(t, o, unlucky, func(t *testing.T, e *Exporter, s *script, _ *lines) {
				addSpans(e, 0, 1)
				for i := range 600 {
					time.Sleep(time.Second)
					addSpans(e, 10*i, 10)
				}
				synctest.Wait()
				wantTotals(t, e, "6,001 spans: 6,000 delivered, 1 waiting")
			})
		})
	}
}
