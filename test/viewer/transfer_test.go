package viewer

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

func TestTraceIsExportedAndImported(t *testing.T) {
	v := startViewer(t)
	tr, s := family("transfer")
	send(t, v, tr)
	p := openTrace(t, v, tr)

	for _, test := range []struct{ selector, file, says string }{
		{".trace-actions a[download$='.json']", "trace.json", "Imported 1 trace with 5 spans, 1 log"},
		{".trace-actions a[download$='.pb']", "trace.pb", "Imported 1 trace with 5 spans"}, // whose format has no place for logs
	} {
		t.Run(test.file, func(t *testing.T) {
			address := eval[string](p, "document.querySelector("+quote(test.selector)+").href")
			response, err := http.Get(address)
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			content, err := io.ReadAll(response.Body)
			if err != nil || response.StatusCode != http.StatusOK {
				t.Fatalf("GET %s: %s, %v", address, response.Status, err)
			}
			path := filepath.Join(t.TempDir(), test.file)
			if err := os.WriteFile(path, content, 0o600); err != nil {
				t.Fatal(err)
			}

			other := open(t, startViewer(t), "/")
			other.see("Waiting for the first trace")
			run(other, chromedp.SetUploadFiles(chromedp.CSS("input[type=file]"), []string{path}))
			other.until("location.pathname === '/trace/" + tr.hex() + "' && document.querySelectorAll('" + spanRows + "').length === 5")
			other.see(test.says)
			other.goTo("/trace/" + tr.hex() + "?span=" + s["called"].hex())
			other.see("shop.CardDeclined")
		})
	}
}

func TestFilesAreDropped(t *testing.T) {
	v := startViewer(t)
	p := open(t, v, "/")
	p.see("Waiting for the first trace")
	// The events are the browser's own, but for where the file comes from.
	drop := func(name, content string) {
		p.evaluate(`(() => {
			const data = new DataTransfer()
			data.items.add(new File([` + quote(content) + `], ` + quote(name) + `))
			const send = (type) => document.body.dispatchEvent(new DragEvent(type, { bubbles: true, cancelable: true, dataTransfer: data }))
			send('dragenter')
			window.offered = document.querySelector('.drop').checkVisibility()
			send('drop')
		})()`)
	}
	drop("one.json", `{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"0102030405060708090a0b0c0d0e0f10","spanId":"0102030405060708","name":"dropped","kind":2,"startTimeUnixNano":"1700000000000000000","endTimeUnixNano":"1700000000005000000"}]}]}]}`)
	p.until("window.offered && location.pathname === '/trace/0102030405060708090a0b0c0d0e0f10'")
	p.see("dropped")

	p.expected = "400"
	drop("picture.png", "this is no trace")
	p.until("document.querySelector('.toast.error')?.innerText.includes('picture.png')")
}

func TestExportedFilesHaveNames(t *testing.T) {
	v := startViewer(t)
	tr := checkout("name", time.Now(), false, false)
	send(t, v, tr)
	p := openTrace(t, v, tr)
	if got, want := eval[string](p, "document.querySelector('.trace-actions a').download"), "trace-"+tr.hex()+".json"; got != want {
		t.Errorf("the file is called %s, want %s", got, want)
	}
}
