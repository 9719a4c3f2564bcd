package lumigo

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lumigo-io/opentelemetry-distro/internal/config"
	"github.com/lumigo-io/opentelemetry-distro/internal/diag"
	"github.com/lumigo-io/opentelemetry-distro/internal/mask"
	"github.com/lumigo-io/opentelemetry-distro/internal/otlp"
	"github.com/lumigo-io/opentelemetry-distro/internal/spandump"
	"github.com/lumigo-io/opentelemetry-distro/internal/tracer"
)

func TestVersionIsThatOfTheDistribution(t *testing.T) {
	text, err := os.ReadFile("python/lumigo_opentelemetry/VERSION")
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.TrimSpace(string(text)); got != version {
		t.Errorf("version is %q here and %q in the Python part", version, got)
	}
}

// trace makes a tracer active for a test, and returns what reads the dump and the log.
func trace(t *testing.T) (dump func() string, log *strings.Builder) {
	path := filepath.Join(t.TempDir(), "dump")
	writer, err := spandump.Open(path, true)
	if err != nil {
		t.Fatal(err)
	}
	c, _ := config.Parse(nil)
	m, _ := mask.New(c.Masking, nil)
	log = new(strings.Builder)
	before := tracer.Active()
	tracer.Activate(tracer.New(tracer.Options{Config: c, Masker: m, Dump: writer, Resource: otlp.NewResource(nil, ""), Log: diag.New(log, diag.Warning)}))
	t.Cleanup(func() { tracer.Activate(before) })
	return func() string {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}, log
}

func expect(t *testing.T, text string, wants ...string) {
	t.Helper()
	for _, want := range wants {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
}

func TestWrap(t *testing.T) {
	dump, _ := trace(t)
	var inner *tracer.Identity
	f := Wrap(func(ctx context.Context, in map[string]string, rest ...int) (string, error) {
		inner = tracer.FromContext(ctx)
		return "out", nil
	})
	if out, err := f(context.Background(), map[string]string{"password": "geheim"}, 1, 2); out != "out" || err != nil {
		t.Errorf("it returned %q, %v", out, err)
	}
	if inner == nil {
		t.Error("its context carries no span")
	}
	expect(t, dump(), `"LumigoRoot"`, `"input_args": "[{\"password\": \"****\"}, [1, 2]]"`, `"return_value": "\"out\""`, `"UNSET"`)
}

func TestWrapOfWhatFails(t *testing.T) {
	dump, _ := trace(t)
	failure := errors.New("no")
	if err := Wrap(func() error { return failure })(); err != failure {
		t.Errorf("it returned %v", err)
	}
	expect(t, dump(), `"ERROR"`, `"exception.message": "no"`)

	func() {
		defer func() {
			if value := recover(); value != "boom" {
				t.Errorf("it panicked with %v", value)
			}
		}()
		Wrap(func() { panic("boom") })()
	}()
	if n := strings.Count(dump(), `"ERROR"`); n != 2 {
		t.Errorf("%d spans are errors:\n%s", n, dump())
	}
}

func TestWrapOfWhatIsNoFunction(t *testing.T) {
	trace(t)
	if Wrap(3) != 3 || Wrap[func()](nil) != nil {
		t.Error("it is not what it was")
	}
}

func TestExecutionTags(t *testing.T) {
	dump, log := trace(t)
	ctx := WithExecutionTags(context.Background(), map[string]any{"a": "old", "b": 2, "blank": " ", " ": "x", "empty": []string{}})
	ctx = WithExecutionTags(ctx, map[string]any{"a": "new"})
	Wrap(func(context.Context) {})(ctx)
	expect(t, dump(), `"lumigo.execution_tags.a": "new"`, `"lumigo.execution_tags.b": 2`)
	expect(t, log.String(), "Empty or whitespace execution tag value: 'blank', ' '", "cannot be empty or whitespace: ' ' (type: string)", "Empty array/tuple execution tag value: 'empty'")
	if strings.Contains(dump(), "blank") {
		t.Errorf("an invalid tag is in\n%s", dump())
	}
	if WithExecutionTags(ctx, nil) != ctx || !strings.Contains(log.String(), "No valid execution tags to add") {
		t.Errorf("no error in\n%s", log)
	}
}

func TestProgrammaticErrors(t *testing.T) {
	dump, _ := trace(t)
	Wrap(func(ctx context.Context) { CreateProgrammaticError(ctx, "stuck", "Queue") })(context.Background())
	CreateProgrammaticError(context.Background(), "nobody", "x")
	expect(t, dump(), `"name": "stuck"`, `"lumigo.type": "Queue"`, `"UNSET"`)
}

func TestWithoutATracerEverythingDoesNothing(t *testing.T) {
	before := tracer.Active()
	tracer.Activate(nil)
	defer tracer.Activate(before)
	ctx := context.Background()
	if WithExecutionTags(ctx, map[string]any{"a": 1}) != ctx || Flush(ctx) != nil || Wrap(func() int { return 1 })() != 1 {
		t.Error("something was done")
	}
	CreateProgrammaticError(ctx, "a", "b")
}
