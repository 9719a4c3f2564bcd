package mask

import (
	"strings"
	"testing"
)

var requestHeaders = []Header{
	{"host", "api.example.com"}, {"connection", "keep-alive"}, {"cache-control", "max-age=0"},
	{"sec-ch-ua", `"Chromium";v="120", "Not?A_Brand";v="24"`}, {"sec-ch-ua-mobile", "?0"}, {"sec-ch-ua-platform", `"Linux"`},
	{"upgrade-insecure-requests", "1"}, {"user-agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0 Safari/537.36"},
	{"accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}, {"sec-fetch-site", "none"}, {"sec-fetch-mode", "navigate"},
	{"sec-fetch-user", "?1"}, {"sec-fetch-dest", "document"}, {"accept-encoding", "gzip, deflate, br"}, {"accept-language", "en-GB,en;q=0.9"},
	{"cookie", "session=0123456789abcdef0123456789abcdef; theme=dark"}, {"authorization", "Bearer 0123456789abcdef0123456789abcdef"},
	{"x-request-id", "5c6a2f2e-7b7c-4a43-8f6f-0a8f9d0e1b2c"}, {"traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}, {"content-length", "0"},
}

var bodyJSON = []byte(`{"order": {"id": 18273645, "customer": {"name": "Ada Lovelace", "email": "ada@example.com", "password": "hunter2"}, "total": 129.95, "currency": "EUR", "items": [` +
	strings.TrimSuffix(strings.Repeat(`{"sku": "AB-1234-56", "title": "A thing of some length", "quantity": 2, "price": 12.5, "gift": false, "note": null}, `, 7), ", ") + `]}, "api_key": "0123456789abcdef"}`)

const statement = `SELECT id, name, email FROM users WHERE tenant_id = %s AND deleted_at IS NULL AND status IN ('active', 'invited') ORDER BY created_at DESC LIMIT 50`

const benchmarkToken = "t_0123456789abcdef01234"

func BenchmarkHeaders20(b *testing.B) {
	m := defaultMasker(benchmarkToken)
	var dst []byte
	b.ReportAllocs()
	for b.Loop() {
		dst = m.AppendHeaders(dst[:0], RequestHeaders, requestHeaders, 2048)
	}
	b.SetBytes(int64(len(dst)))
}

func BenchmarkBodyJSON1KB(b *testing.B) {
	m := defaultMasker(benchmarkToken)
	var dst []byte
	b.SetBytes(int64(len(bodyJSON)))
	b.ReportAllocs()
	for b.Loop() {
		dst = m.AppendBody(dst[:0], RequestBodies, bodyJSON, false, 2048)
	}
}

func BenchmarkBodyText1KB(b *testing.B) {
	m := defaultMasker(benchmarkToken)
	body := []byte(strings.Repeat("<p>Some text with <a href=x>links</a> in it.</p>\n", 21))
	var dst []byte
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		dst = m.AppendBody(dst[:0], RequestBodies, body, false, 2048)
	}
}

func BenchmarkURL(b *testing.B) {
	m := defaultMasker(benchmarkToken)
	var dst []byte
	b.ReportAllocs()
	for b.Loop() {
		dst = m.AppendURL(dst[:0], "https://api.example.com:8443/v1/orders/18273645?expand=items&page=2&api_key=0123456789abcdef")
	}
}

func BenchmarkSQL(b *testing.B) {
	m := defaultMasker(benchmarkToken)
	var dst []byte
	b.ReportAllocs()
	for b.Loop() {
		dst = m.AppendSQL(dst[:0], statement)
	}
}

func BenchmarkMatches(b *testing.B) {
	m := defaultMasker()
	b.Run("known key", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			m.Matches(General, "x-request-id")
		}
	})
	b.Run("new key", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			m.matchers[General].decide("x-request-id")
		}
	})
	b.Run("new key, regular expression", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			m.matchers[General].whole.MatchString("x-request-id")
		}
	})
}

const errorMessage = `(psycopg2.errors.UniqueViolation) duplicate key value violates unique constraint "users_email_key": Key (email)=(ada@example.com) already exists, request 5c6a2f2e-7b7c-4a43-8f6f-0a8f9d0e1b2c`

var stackTrace = "Traceback (most recent call last):\n" +
	strings.Repeat("  File \"/app/shop/orders/views.py\", line 123, in create_order\n    order = Order.objects.create(customer=customer, total=total, currency=\"EUR\")\n", 20) +
	"sqlalchemy.exc.IntegrityError: " + errorMessage + "\n"

func BenchmarkMessage(b *testing.B) {
	m := defaultMasker(benchmarkToken)
	b.SetBytes(int64(len(errorMessage)))
	b.ReportAllocs()
	for b.Loop() {
		m.Message(errorMessage)
	}
}

func BenchmarkTrace(b *testing.B) {
	m := defaultMasker(benchmarkToken)
	b.SetBytes(int64(len(stackTrace)))
	b.ReportAllocs()
	for b.Loop() {
		m.Trace(stackTrace)
	}
}
