package analysis

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"github.com/lumigo-io/opentelemetry-distro/cmd/lumigo/internal/viewer/store"
	"github.com/lumigo-io/opentelemetry-distro/internal/otlp"
)

// trace reads spans from lines of this form, times in milliseconds, parent 0 for none:
//
//	id parent start end name [service] [kind] [status] [peerKind:peer]
func trace(text string) []store.Span {
	var spans []store.Span
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) == 0 {
			continue
		}
		var id, parent, start, end uint64
		fmt.Sscan(line, &id, &parent, &start, &end)
		s := store.Span{ID: spanID(id), Parent: spanID(parent), Start: epoch + start, End: epoch + end, Name: fields[4], Service: "shop", Kind: otlp.KindInternal}
		for i, field := range fields[5:] {
			kind, isKind := map[string]otlp.Kind{"server": otlp.KindServer, "client": otlp.KindClient, "producer": otlp.KindProducer, "consumer": otlp.KindConsumer}[field]
			peerKind, peer, isPeer := strings.Cut(field, ":")
			switch {
			case isKind:
				s.Kind = kind
			case field == "error":
				s.Status = otlp.StatusError
			case isPeer:
				s.PeerKind, s.Peer = peerKind, peer
			case i == 0:
				s.Service = field
			}
		}
		spans = append(spans, s)
	}
	slices.SortStableFunc(spans, func(a, b store.Span) int { return cmp.Compare(a.Start, b.Start) })
	return spans
}

const epoch = uint64(1000)

func spanID(n uint64) (id store.SpanID) {
	binary.BigEndian.PutUint64(id[:], n)
	return id
}

// lines joins lines, each trimmed.
func lines(text string) string {
	var out []string
	for line := range strings.Lines(text) {
		if line = strings.TrimRight(line, " \t\n"); strings.TrimSpace(line) != "" {
			out = append(out, line)
		}
	}
	return strings.Join(out, "\n")
}
