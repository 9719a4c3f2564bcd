package export

import "testing"

func TestTotalsRead(t *testing.T) {
	dropped := func(pairs ...int64) (d Drops) {
		for i := 0; i < len(pairs); i += 2 {
			d[pairs[i]] = pairs[i+1]
		}
		return d
	}
	tests := []struct {
		totals Totals
		want   string
	}{
		{Totals{}, "0 spans: 0 delivered"},
		{Totals{Accepted: 1, Delivered: 1}, "1 span: 1 delivered"},
		{Totals{Accepted: 1204, Delivered: 1200, Dropped: dropped(int64(QueueFull), 4)},
			"1,204 spans: 1,200 delivered, 4 dropped (queue full: 4)"},
		{Totals{Accepted: 1234567, Delivered: 1234000, Dropped: dropped(int64(Rejected), 512, int64(ShutdownDeadline), 5), Pending: 50},
			"1,234,567 spans: 1,234,000 delivered, 517 dropped (rejected: 512, deadline at shutdown: 5), 50 waiting"},
		{Totals{Accepted: 3, Dropped: dropped(int64(NoEndpoint), 1, int64(PartialSuccess), 1, int64(AfterShutdown), 1)},
			"3 spans: 0 delivered, 3 dropped (no endpoint: 1, partial success: 1, after shutdown: 1)"},
	}
	for _, tt := range tests {
		if got := tt.totals.String(); got != tt.want {
			t.Errorf("got  %q\nwant %q", got, tt.want)
		}
	}
	if got := Reason(99).String(); got != "Reason(99)" {
		t.Errorf("an unknown reason is %q", got)
	}
}

func TestSizesRead(t *testing.T) {
	for n, want := range map[int64]string{64 << 20: "64 MiB", 1 << 30: "1 GiB", 1536: "1,536 bytes", 3 << 10: "3 KiB", 1: "1 bytes"} {
		if got := size(n); got != want {
			t.Errorf("size(%d) is %q, want %q", n, got, want)
		}
	}
}
