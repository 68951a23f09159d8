package main

import (
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/patchbay/patchbay/sdk"
	"github.com/patchbay/patchbay/sdk/sdktest"
)

// TestMain makes the certificate of test servers one of those that this process trusts.
func TestMain(m *testing.M) {
	server := httptest.NewTLSServer(nil)
	server.Close()
	folder, err := os.MkdirTemp("", "cloud-storage")
	if err == nil {
		file := filepath.Join(folder, "roots.pem")
		err = os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600)
		err = errors.Join(err, os.Setenv("SSL_CERT_FILE", file), os.Setenv("SSL_CERT_DIR", folder))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	_ = os.RemoveAll(folder)
	os.Exit(code)
}

// The integration's own endpoint is asked by TLS, and where it leads elsewhere nobody is asked with its signature.
func TestTheIntegrationsEndpoint(t *testing.T) {
	elsewhere := ""
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if elsewhere != "" {
			http.Redirect(w, r, elsewhere, http.StatusTemporaryRedirect)
			return
		}
		if r.URL.Path != "/things/" && r.URL.Path != "/things" || !strings.HasPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 ") {
			t.Errorf("sent %s %v", r.URL, r.Header)
		}
		_, _ = w.Write([]byte(`<ListBucketResult><Name>things</Name><Contents><Key>a%2Bb+c</Key><Size>5</Size></Contents></ListBucketResult>`))
	}))
	t.Cleanup(server.Close)
	address, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	r := request("list_objects", "", "things", given{})
	r.Fields["endpoint"], r.Fields["port"] = address.Hostname(), address.Port()
	h := start(t)
	if got, _ := run[objects](t, h, r); len(got.Items) != 1 || got.Items[0].Key != "a+b c" {
		t.Errorf("got %+v", got)
	}
	asked := make(chan http.Header, 1)
	other := httptest.NewTLSServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { asked <- r.Header.Clone() }))
	t.Cleanup(other.Close)
	elsewhere = other.URL
	_, err = h.Execute(t.Context(), r)
	if err == nil {
		t.Error("an answer from elsewhere was taken")
	}
	sdktest.Discreet(t, r, err)
	select {
	case header := <-asked:
		if header.Get("Authorization") != "" || header.Get("X-Amz-Security-Token") != "" || sdk.KindOf(err) != sdk.PlatformError {
			t.Errorf("elsewhere was asked with %v, and the call says %v", header, err)
		}
	default: // it was not asked at all
	}
}
