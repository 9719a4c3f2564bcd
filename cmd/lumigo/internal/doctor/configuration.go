package doctor

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/lumigo-io/opentelemetry-distro/internal/config"
	"github.com/lumigo-io/opentelemetry-distro/internal/diag"
)

func lookAtSwitches(x *examination, f *findings) {
	switch {
	case x.off != "":
		f.problem("unset "+x.off, "%s=%s turns everything off", x.off, x.program.environ[x.off])
	case !x.config.TracesEnabled:
		f.problem("unset LUMIGO_ENABLE_TRACES, or set it to true", "LUMIGO_ENABLE_TRACES=%s turns tracing off", x.program.environ["LUMIGO_ENABLE_TRACES"])
	default:
		f.ok("nothing turns tracing off")
	}
}

var variableName = regexp.MustCompile(`\b[A-Z_]*(LUMIGO|OTEL|ECS|PROXY)[A-Z0-9_]*\b`)

// lookAtVariables passes on what the configuration has to say of itself, and what traced processes say of the
// filters, each with what the variable is for.
func lookAtVariables(x *examination, f *findings) {
	texts := []string{}
	for _, m := range x.messages {
		if m.Level >= diag.Warning {
			texts = append(texts, m.Text)
		}
	}
	texts = append(texts, invalidFilters(x.config.Filter)...)
	quiet := true
	for _, text := range texts {
		name := variableName.FindString(text)
		if name == "LUMIGO_TRACER_TOKEN" {
			continue // lookAtToken has that
		}
		quiet = false
		remedy := "correct it"
		for _, v := range config.Variables() {
			if v.Name == name {
				remedy = fmt.Sprintf("%s: %s", name, plain(v.Description))
			}
		}
		f.warning(remedy, "%s", text)
	}
	if quiet {
		f.ok("each has a value that can be used")
	}
}

// invalidFilters are the regular expressions that no process can use.
func invalidFilters(filter config.EndpointFilter) (texts []string) {
	const name = "LUMIGO_FILTER_HTTP_ENDPOINTS_REGEX"
	for _, list := range []struct {
		name     string
		patterns []string
	}{{name, filter.General}, {name + "_SERVER", filter.Server}, {name + "_CLIENT", filter.Client}} {
		for _, pattern := range list.patterns {
			if _, err := regexp.Compile(pattern); err != nil {
				texts = append(texts, fmt.Sprintf("%s has %q, which is not a regular expression that Python and Go share: %v", list.name, pattern, err))
			}
		}
	}
	return texts
}

var link = regexp.MustCompile(`\[([^]]*)\]\([^)]*\)`)

// plain is Markdown as text.
func plain(markdown string) string {
	return strings.ReplaceAll(link.ReplaceAllString(markdown, "$1"), "`", "")
}

func lookAtSampling(x *examination, f *findings) {
	if x.off != "" {
		return
	}
	s := x.config.Sampler
	byRatio := strings.HasSuffix(s.Name, "traceidratio")
	switch {
	case strings.HasSuffix(s.Name, "always_off"):
		f.problem("unset OTEL_TRACES_SAMPLER", "OTEL_TRACES_SAMPLER=%s keeps no trace that begins here", s.Name)
	case byRatio && s.Ratio == 0:
		f.problem("set OTEL_TRACES_SAMPLER_ARG to a share above 0", "OTEL_TRACES_SAMPLER=%s with OTEL_TRACES_SAMPLER_ARG=0 keeps no trace that begins here", s.Name)
	case byRatio && s.Ratio < 1:
		f.ok("%g of the traces are kept (OTEL_TRACES_SAMPLER_ARG)", s.Ratio)
	case slices.ContainsFunc(slices.Concat(x.config.Filter.General, x.config.Filter.Server), matchesEverything):
		f.problem("name the endpoints to leave out in LUMIGO_FILTER_HTTP_ENDPOINTS_REGEX", "LUMIGO_FILTER_HTTP_ENDPOINTS_REGEX or …_SERVER leaves out every request")
	default:
		f.ok("every trace is kept")
	}
}

func matchesEverything(pattern string) bool {
	r, err := regexp.Compile(pattern)
	return err == nil && pattern != "" && r.MatchString("") && r.MatchString("/") && r.MatchString("/orders/1?page=2")
}
