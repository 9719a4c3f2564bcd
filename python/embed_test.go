package python_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/lumigo-io/opentelemetry-distro/python"
)

// A file that the patterns miss would be missed only where it is needed: in an app.
func TestEveryPythonFileIsEmbedded(t *testing.T) {
	for _, dir := range []string{"lumigo_opentelemetry", "sitecustomize"} {
		err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".py") {
				return err
			}
			want, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			got, err := fs.ReadFile(python.Files(), filepath.ToSlash(path))
			if err != nil || string(got) != string(want) {
				t.Errorf("%s is not embedded as it is: %v", path, err)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
}

func TestNothingElseIsEmbedded(t *testing.T) {
	expected := regexp.MustCompile(`^(sitecustomize/sitecustomize\.py|lumigo_opentelemetry\.pth|lumigo_opentelemetry/(VERSION|(hooks/)?[a-z0-9_]+\.py))$`)
	err := fs.WalkDir(python.Files(), ".", func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && !expected.MatchString(path) {
			t.Errorf("unexpected file %s", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func TestVersionIsThatOfTheWheelStandard(t *testing.T) {
	if !regexp.MustCompile(`^\d+\.\d+\.\d+((a|b|rc)\d+)?$`).MatchString(python.Version()) {
		t.Errorf("version %q cannot be that of a wheel (PEP 440)", python.Version())
	}
}
