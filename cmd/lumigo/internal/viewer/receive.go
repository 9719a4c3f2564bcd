package viewer

import (
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/lumigo-io/opentelemetry-distro/internal/otlp"
)

const (
	mostBody    = 16 << 20 // bytes of a request, unpacked
	mostJSON    = 8 << 20  // the same of one in JSON, which takes more memory
	mostBodies  = 26 << 20 // bytes of all of them that are being read or decoded
	mostParts   = 1 << 18  // resources, scopes and spans of a request
	bodyTimeout = 30 * time.Second
	jsonFactor  = 2 // memory that decoding JSON takes, as a multiple of the text
)

// failure is why a request is answered with other than 200.
type failure struct {
	status int
	text   string
}

func (f *failure) Error() string { return f.text }

var errBusy = &failure{http.StatusServiceUnavailable, "the viewer is busy; try again"}

// budget bounds the memory that requests take together.
type budget struct{ left atomic.Int64 }

func (b *budget) take(n int64) bool {
	if b.left.Add(-n) < 0 {
		b.left.Add(n)
		return false
	}
	return true
}

func (b *budget) give(n int64) { b.left.Add(n) }

// body is a request's, read and unpacked. It holds memory of the budget until it is released.
type body struct {
	bytes  []byte
	budget *budget
	taken  int64
}

func (b *body) take(n int64) error {
	if !b.budget.take(n) {
		return errBusy
	}
	b.taken += n
	return nil
}

func (b *body) release() { b.budget.give(b.taken) }

// fill reads from r to its end.
func (b *body) fill(r io.Reader, most int) error {
	for len(b.bytes) <= most {
		if n := len(b.bytes); n == cap(b.bytes) {
			grown := min(max(2*n, 16<<10), most+1)
			if err := b.take(int64(grown - n)); err != nil {
				return err
			}
			b.bytes = append(make([]byte, 0, grown), b.bytes...)
		}
		n, err := r.Read(b.bytes[len(b.bytes):cap(b.bytes)])
		b.bytes = b.bytes[:len(b.bytes)+n]
		if err == io.EOF && len(b.bytes) <= most {
			return nil
		}
		if err != nil && err != io.EOF {
			return &failure{http.StatusBadRequest, fmt.Sprintf("the request cannot be read: %v", err)}
		}
	}
	return &failure{http.StatusRequestEntityTooLarge, fmt.Sprintf("the request has more than %d bytes", most)}
}

// unpacked returns a reader of a request's body that undoes its Content-Encoding.
func unpacked(w http.ResponseWriter, r *http.Request) (io.Reader, error) {
	http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyTimeout))
	switch encoding := r.Header.Get("Content-Encoding"); encoding {
	case "", "identity":
		return r.Body, nil
	case "gzip":
		z, err := gzip.NewReader(bufio.NewReader(r.Body))
		if err != nil {
			return nil, &failure{http.StatusBadRequest, fmt.Sprintf("the request is not gzip, as it says: %v", err)}
		}
		return z, nil
	default:
		return nil, &failure{http.StatusUnsupportedMediaType, fmt.Sprintf("the Content-Encoding %q is not understood: gzip is", encoding)}
	}
}

// receive answers exporters of a signal, as OTLP/HTTP has it.
func (s *Server) receive(signal otlp.Signal) http.HandlerFunc {
	add, rejectedName := s.store.AddSpans, "rejectedSpans"
	if signal == otlp.Logs {
		add, rejectedName = s.store.AddLogs, "rejectedLogRecords"
	}
	return func(w http.ResponseWriter, r *http.Request) {
		isJSON, err := contentIsJSON(r)
		b := body{budget: &s.memory}
		defer b.release()
		var groups []otlp.Group
		if err == nil {
			groups, err = b.decode(w, r, signal, isJSON)
		}
		if err != nil {
			drain(r)
			answerFailure(w, isJSON, err)
			return
		}
		rejected, message := add(groups)
		if isJSON {
			partial := map[string]any{}
			if rejected > 0 {
				partial["partialSuccess"] = map[string]string{rejectedName: strconv.FormatInt(rejected, 10), "errorMessage": message}
			}
			answer(w, http.StatusOK, partial)
			return
		}
		w.Header().Set("Content-Type", "application/x-protobuf")
		w.Write(otlp.AppendPartialSuccess(nil, rejected, message))
	}
}

// decode reads a request's body and takes it apart.
func (b *body) decode(w http.ResponseWriter, r *http.Request, signal otlp.Signal, isJSON bool) ([]otlp.Group, error) {
	in, err := unpacked(w, r)
	if err != nil {
		return nil, err
	}
	most := mostBody
	if isJSON {
		most = mostJSON
	}
	if err := b.fill(in, most); err != nil {
		return nil, err
	}
	request := b.bytes
	if isJSON {
		if err := b.take(jsonFactor * int64(len(request))); err != nil {
			return nil, err
		}
		if request, err = otlp.ParseJSON(signal, request); err != nil {
			return nil, &failure{http.StatusBadRequest, err.Error()}
		}
		b.bytes = nil // the text is not needed any more
	}
	groups, err := otlp.ParseRequest(request, mostParts)
	if err != nil {
		return nil, &failure{http.StatusBadRequest, err.Error()}
	}
	return groups, nil
}

// receiveMetrics takes what exporters send along with the rest, and throws it away.
func (s *Server) receiveMetrics(w http.ResponseWriter, r *http.Request) {
	isJSON, err := contentIsJSON(r)
	if err != nil {
		answerFailure(w, isJSON, err)
		return
	}
	http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyTimeout))
	io.Copy(io.Discard, http.MaxBytesReader(w, r.Body, mostBody))
	if isJSON {
		answer(w, http.StatusOK, struct{}{})
		return
	}
	w.Header().Set("Content-Type", "application/x-protobuf")
}

func contentIsJSON(r *http.Request) (bool, error) {
	given := r.Header.Get("Content-Type")
	switch media, _, _ := mime.ParseMediaType(given); media {
	case "application/json":
		return true, nil
	case "application/x-protobuf":
		return false, nil
	}
	return false, &failure{http.StatusUnsupportedMediaType, fmt.Sprintf("the Content-Type %q is not understood: application/x-protobuf and application/json are", given)}
}

// Codes of google.rpc.Code.
const (
	codeInvalidArgument   = 3
	codeResourceExhausted = 8
	codeUnavailable       = 14
)

// drain reads what is left of a request: a client that cannot send it to its end might not look for the answer.
func drain(r *http.Request) { io.Copy(io.Discard, io.LimitReader(r.Body, mostBody)) }

// answerFailure answers with a google.rpc.Status.
func answerFailure(w http.ResponseWriter, isJSON bool, err error) {
	f := &failure{status: http.StatusInternalServerError, text: err.Error()}
	errors.As(err, &f)
	code := codeInvalidArgument
	switch f.status {
	case http.StatusRequestEntityTooLarge:
		code = codeResourceExhausted
	case http.StatusServiceUnavailable:
		code = codeUnavailable
		w.Header().Set("Retry-After", "1")
	}
	if isJSON {
		answer(w, f.status, map[string]any{"code": code, "message": f.text})
		return
	}
	w.Header().Set("Content-Type", "application/x-protobuf")
	w.WriteHeader(f.status)
	w.Write(otlp.AppendStatus(nil, int32(code), f.text))
}
