package otel

import (
	"net"
	"net/url"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"go.opentelemetry.io/otel/trace"

	"github.com/lumigo-io/opentelemetry-distro/internal/tracer"
)

// arrives reports whether the spans of a provider of the program's own come to where ours go, as far as one can see:
// if it is OpenTelemetry's SDK, and one of its exporters sends OTLP to the same address.
func arrives(p trace.TracerProvider) bool {
	if reflect.TypeOf(p).Kind() != reflect.Pointer { // as the one that makes nothing
		return false
	}
	now := time.Now()
	if v, ok := looked.Load(p); ok {
		if l := v.(look); l.arrives || now.Before(l.until) {
			return l.arrives
		}
	}
	l := look{until: now.Add(time.Second)} // as a processor may be registered later
	if t := tracer.Active(); t != nil && t.Endpoint() != "" {
		l.arrives = exports(reflect.ValueOf(p), t.Endpoint())
	}
	looked.Store(p, l)
	return l.arrives
}

// looked is what was seen of providers.
var looked sync.Map // trace.TracerProvider -> look

type look struct {
	arrives bool
	until   time.Time // when one that does not is looked at again
}

// exports finds the exporters of a provider, and reports whether one of them sends to our endpoint.
func exports(provider reflect.Value, endpoint string) (found bool) {
	defer func() { recover() }() // this reads what is nobody's business but the SDK's
	ours, err := url.Parse(endpoint)
	if err != nil || provider.Elem().Kind() != reflect.Struct {
		return false
	}
	processors := provider.Elem().FieldByName("spanProcessors") // an atomic.Pointer
	list := atomic.LoadPointer((*unsafe.Pointer)(processors.FieldByName("v").Addr().UnsafePointer()))
	if list == nil {
		return false
	}
	of := processors.Field(0).Type().Elem().Elem() // its first field is there to say of what
	return sends(reflect.NewAt(of, list).Elem(), ours, 8)
}

// sends follows what a provider consists of, processors, exporters and clients, to the addresses of the last. What else
// they have in them may be changed at any time, and is not looked at.
func sends(v reflect.Value, ours *url.URL, depth int) bool {
	for v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface {
		if v.IsNil() {
			return false
		}
		if _, ok := v.Type().MethodByName("UploadTraces"); ok && v.Kind() == reflect.Pointer && isAddress(v.Elem(), ours) {
			return true
		}
		v = v.Elem()
	}
	if depth == 0 {
		return false
	}
	switch v.Kind() {
	case reflect.Slice:
		for i := range v.Len() {
			if sends(v.Index(i), ours, depth-1) {
				return true
			}
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Field(i); f.Kind() == reflect.Interface && !f.IsNil() || f.Kind() == reflect.Pointer || f.Kind() == reflect.Slice {
				if leads(f.Type()) && sends(f, ours, depth-1) {
					return true
				}
			}
		}
	}
	return false
}

// leads reports whether something of this type processes, exports or sends spans.
func leads(t reflect.Type) bool {
	if t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	if _, ok := t.MethodByName("OnEnd"); ok {
		return true
	}
	if _, ok := t.MethodByName("ExportSpans"); ok {
		return true
	}
	_, ok := t.MethodByName("UploadTraces")
	return ok
}

// isAddress reports whether a client of OTLP over HTTP or gRPC, as OpenTelemetry has them, sends to our endpoint.
func isAddress(client reflect.Value, ours *url.URL) bool {
	if client.Kind() != reflect.Struct {
		return false
	}
	if config := client.FieldByName("cfg"); config.IsValid() { // HTTP
		theirs := url.URL{Scheme: "https", Host: config.FieldByName("Endpoint").String(), Path: config.FieldByName("URLPath").String()}
		if config.FieldByName("Insecure").Bool() {
			theirs.Scheme = "http"
		}
		return place(&theirs) == place(ours) && strings.Trim(theirs.Path, "/") == strings.Trim(ours.Path, "/")
	}
	target := client.FieldByName("endpoint")
	if !target.IsValid() {
		return false
	}
	name := target.String() // such as dns:///collector:4317
	theirs := url.URL{Host: name[strings.LastIndexByte(name, '/')+1:]}
	if theirs.Port() == "4317" { // a Collector takes both, side by side
		theirs.Host = strings.TrimSuffix(theirs.Host, "4317") + "4318"
	}
	return place(&theirs) == place(ours)
}

// place is the host and port of an address, as one compares them: the loopback interface has several names.
func place(u *url.URL) string {
	host, port := strings.ToLower(u.Hostname()), u.Port()
	if ip := net.ParseIP(host); ip != nil && ip.IsLoopback() {
		host = "localhost"
	}
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return host + ":" + port
}
