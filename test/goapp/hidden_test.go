package goapp

import "testing"

// hidden masks headers and bodies whole.
var hidden = []string{
	"LUMIGO_SECRET_MASKING_REGEX_HTTP_REQUEST_HEADERS=all", "LUMIGO_SECRET_MASKING_REGEX_HTTP_RESPONSE_HEADERS=all",
	"LUMIGO_SECRET_MASKING_REGEX_HTTP_REQUEST_BODIES=all", "LUMIGO_SECRET_MASKING_REGEX_HTTP_RESPONSE_BODIES=all",
}

// What is masked whole is not even kept, but one sees that it was there.
func TestPayloadsMaskedWhole(t *testing.T) {
	shown, _ := traced(t, nil, "order")
	masked, _ := traced(t, hidden, "order")
	if tree(shown) != tree(masked) || len(shown) == 0 {
		t.Fatalf("spans\n%swhere they are otherwise\n%s", tree(masked), tree(shown))
	}
	for i, s := range masked {
		for _, key := range []string{"http.request.headers", "http.response.headers", "http.request.body", "http.response.body"} {
			want := any(nil)
			if shown[i].Attributes[key] != nil {
				want = "****"
			}
			if s.Attributes[key] != want {
				t.Errorf("%s %s: %s = %v, want %v", s.Kind, s.Name, key, s.Attributes[key], want)
			}
		}
	}
}
