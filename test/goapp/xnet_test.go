package goapp

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/lumigo-io/opentelemetry-distro/test/pythonenv"
	"github.com/lumigo-io/opentelemetry-distro/test/receiver"
)

// A program may have an HTTP/2 of its own. Its requests are traced like those of the standard library's.
func TestHTTP2OfXNet(t *testing.T) {
	lumigo, err := pythonenv.Lumigo()
	if err != nil {
		t.Fatal(err)
	}
	plain, woven := filepath.Join(t.TempDir(), "plain"), filepath.Join(t.TempDir(), "woven")
	for _, args := range [][]string{
		{"go", "mod", "download"},
		{"go", "build", "-o", plain, "."},
		{lumigo, "go", "--strict", "build", "-o", woven, "."},
	} {
		cmd := exec.Command(args[0], args[1:]...)
		cmd.Dir, cmd.Env = filepath.Join("testdata", "xnet"), append(os.Environ(), "GOWORK=off", "GOFLAGS=")
		if out, err := cmd.CombinedOutput(); err != nil && args[1] == "mod" {
			t.Skipf("the modules are not to be had: %s", out)
		} else if err != nil {
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
	}
	for _, test := range []struct{ name, spans string }{
		{"tls", `SERVER GET /fail 503 ERROR
SERVER GET /call 200
  CLIENT GET 200
    SERVER GET 200
`},
		// What begins the connection is no request.
		{"h2c", `SERVER GET /fail 503 ERROR
SERVER GET /call 200
  CLIENT GET 200
    SERVER GET 200
CLIENT GET 503 ERROR
  SERVER GET /fail 503 ERROR
`},
		{"upgrade", `SERVER GET /call 200
  CLIENT GET 200
    SERVER GET 200
`},
	} {
		t.Run(test.name, func(t *testing.T) {
			backend, err := receiver.Listen("127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer backend.Close()
			var outputs [2]string
			for i, binary := range []string{plain, woven} {
				cmd := exec.Command(binary, test.name)
				cmd.Env = []string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=" + backend.URL()}
				out, err := cmd.Output()
				if err != nil {
					t.Fatalf("%v: %v\n%s", cmd, err, out)
				}
				outputs[i] = string(out)
			}
			if outputs[0] != outputs[1] {
				t.Errorf("woven, it prints\n%splain\n%s", outputs[1], outputs[0])
			}
			spans := backend.Spans()
			if got := tree(spans); got != test.spans {
				t.Errorf("got\n%swant\n%s", got, test.spans)
			}
			for _, s := range spans {
				if s.Name == "GET /fail" && s.Attributes["http.response.headers"] != `{"X-Reason": "tired"}` {
					t.Errorf("headers: %v", s.Attributes["http.response.headers"])
				}
			}
		})
	}
}
