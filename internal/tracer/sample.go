package tracer

import (
	"encoding/binary"
	"math"
	"regexp"
	"strings"

	"github.com/lumigo-io/opentelemetry-distro/internal/config"
	"github.com/lumigo-io/opentelemetry-distro/internal/diag"
	"github.com/lumigo-io/opentelemetry-distro/internal/otlp"
)

// sampler decides which traces are kept, beneath the endpoint filters.
type sampler struct {
	parentBased bool
	all         bool
	bound       uint64 // of the low half of the trace id, unless all are kept
}

func newSampler(c config.Sampler) (s sampler) {
	name, parentBased := strings.CutPrefix(c.Name, "parentbased_")
	s.parentBased = parentBased
	switch {
	case name == "always_off":
	case name == "traceidratio" && c.Ratio < 1:
		s.bound = uint64(c.Ratio * math.MaxInt64 * 2)
	default:
		s.all = true
	}
	return s
}

func (s *sampler) keeps(traceID *[16]byte, parent *Identity) bool {
	if parent != nil && s.parentBased {
		return parent.Sampled()
	}
	return s.all || binary.BigEndian.Uint64(traceID[8:]) < s.bound
}

// filters hold the endpoints that are not traced.
type filters struct {
	server, client []filter
}

type filter struct {
	*regexp.Regexp
	variable string
}

const filterVariable = "LUMIGO_FILTER_HTTP_ENDPOINTS_REGEX"

func newFilters(c config.EndpointFilter, log *diag.Logger) (f filters) {
	compile := func(patterns []string, variable string) (list []filter) {
		for _, p := range patterns {
			if p == "" {
				continue // an empty pattern would match everything; the original lets it match nothing
			}
			r, err := regexp.Compile(p)
			if err != nil {
				log.Warningf("Invalid regex: %s", p)
				continue
			}
			list = append(list, filter{r, variable})
		}
		return list
	}
	general := compile(c.General, filterVariable)
	f.server = append(compile(c.Server, filterVariable+"_SERVER"), general...)
	f.client = append(compile(c.Client, filterVariable+"_CLIENT"), general...)
	return f
}

// Filters reports whether spans of a kind are filtered by their endpoint at all.
func (t *Tracer) Filters(kind otlp.Kind) bool { return len(t.filters.of(kind)) > 0 }

func (f *filters) of(kind otlp.Kind) []filter {
	switch kind {
	case otlp.KindServer:
		return f.server
	case otlp.KindClient:
		return f.client
	}
	return nil
}

func (t *Tracer) filtered(kind otlp.Kind, endpoint string) bool {
	if endpoint == "" {
		return false
	}
	for _, f := range t.filters.of(kind) {
		if f.MatchString(endpoint) {
			t.log.Debugf("Dropping trace for endpoint '%s' because it matches one of the filter regexes specified by the '%s' env var", endpoint, f.variable)
			return true
		}
	}
	return false
}
