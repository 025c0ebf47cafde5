package kube

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// metrics of an API server of Kubernetes 1.36, as they begin.
const metrics = `# HELP apiserver_audit_event_total [ALPHA] Counter of audit events generated and sent to the audit backend.
# TYPE apiserver_audit_event_total counter
apiserver_audit_event_total 0
# HELP apiserver_encryption_config_controller_last_config_info [ALPHA] Information about the last applied encryption configuration
# TYPE apiserver_encryption_config_controller_last_config_info gauge
apiserver_encryption_config_controller_last_config_info{apiserver_id_hash="sha256:aa",hash="sha256:bb"} 1
`

func TestEncryptionConfig(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		body, want string
		err        error
	}{
		"as Kubernetes has it":   {body: metrics, want: "sha256:bb"},
		"no file of keys":        {body: strings.ReplaceAll(metrics, "encryption_config", "other"), err: ErrNoEncryption},
		"nothing":                {err: ErrNoEncryption},
		"it was told otherwise":  {body: strings.Replace(metrics, `,hash="sha256:bb"`, "", 1), err: ErrNoEncryption},
		"it breaks off":          {body: metrics[:strings.Index(metrics, `,hash`)], err: ErrNoEncryption},
		"something named alike":  {body: strings.ReplaceAll(metrics, "last_config_info{", "last_config_info_b{"), err: ErrNoEncryption},
		"labels in another turn": {body: strings.Replace(metrics, `apiserver_id_hash="sha256:aa",hash=`, `hash="b",x=`, 1), want: "b"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/metrics" {
					t.Errorf("it asks for %s", r.URL.Path)
				}
				fmt.Fprint(w, test.body)
			})
			if got, err := client.EncryptionConfig(t.Context()); got != test.want || !errors.Is(err, test.err) {
				t.Errorf("it gives %q, %v", got, err)
			}
		})
	}
}

// TestHostileMetrics tries API servers with malformed metrics. The error is returned at once, without a retry.
func TestHostileMetrics(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]http.HandlerFunc{
		"without end": endless,
		"cut off": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			fmt.Fprint(w, metrics[:20])
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := serve(t, answer).EncryptionConfig(t.Context())
			if err == nil || !strings.Contains(err.Error(), "cannot read the API server's metrics: ") {
				t.Errorf("the error is %v", err)
			}
		})
	}
}

// TestRewriteSecretChangesNothing checks the requests: the patch is empty, and the response need not contain the
// Secret's content.
func TestRewriteSecretChangesNothing(t *testing.T) {
	t.Parallel()
	var asked []string
	client := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if discovery(w, r) {
			return
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		asked = append(asked, r.Method+" "+r.URL.Path+" "+string(body))
		if !strings.Contains(r.Header.Get("Accept"), "as=PartialObjectMetadata") {
			t.Errorf("it accepts %s", r.Header.Get("Accept"))
		}
		w.Header().Set("Content-Type", "application/json")
		answer := `{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/v1","metadata":{"name":"a"}}`
		switch len(asked) {
		case 1: // another client writes it at the same time
			w.WriteHeader(http.StatusConflict)
			answer = `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Conflict","code":409}`
		case 3: // another client has deleted it
			w.WriteHeader(http.StatusNotFound)
			answer = `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"NotFound","code":404}`
		case 4: // a third-party admission policy forbids it
			w.WriteHeader(http.StatusUnprocessableEntity)
			answer = `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Invalid","message":"no","code":422}`
		}
		fmt.Fprint(w, answer)
	})
	if err := client.Ready(t.Context(), time.Minute); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := client.RewriteSecret(t.Context(), "b", "a"); err != nil {
			t.Error(err)
		}
	}
	err := client.RewriteSecret(t.Context(), "b", "a")
	if err == nil || !strings.Contains(err.Error(), "cannot store Secret b/a again: ") {
		t.Errorf("the error is %v", err)
	}
	if want := strings.Repeat("PATCH /api/v1/namespaces/b/secrets/a {}\n", 4); strings.Join(asked, "\n")+"\n" != want {
		t.Errorf("it asked %q", asked)
	}
}
