package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The client's secret comes from its file or the variable, never from a flag, and is not printed; flags without an issuer are refused.
func TestOIDCFlags(t *testing.T) {
	inFolder(t, "oidc-issuer: https://id.example.com\n")
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte("of the file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATCHBAY_OIDC_CLIENT_SECRET", "of the variable")
	for _, test := range []struct {
		args    []string
		want    string
		domains int
	}{
		{[]string{"serve", "--oidc-client-id", "c"}, "of the variable", 0},
		{[]string{"serve", "--oidc-client-id", "c", "--oidc-client-secret-file", file, "--oidc-allowed-domain", "a.example", "--oidc-allowed-domain", "b.example"}, "of the file", 2},
	} {
		g, err := parse(t, test.args...)
		if err != nil {
			t.Fatal(err)
		}
		o, err := g.Serve.OIDC.config("")
		if err != nil || o.ClientSecret.RevealString() != test.want || o.Issuer != "https://id.example.com" || len(o.AllowedDomains) != test.domains {
			t.Errorf("%q make %+v: %v", test.args, o, err)
		}
		if printed := fmt.Sprintf("%+v %#v", o, o); strings.Contains(printed, test.want) {
			t.Errorf("the secret is printed: %s", printed)
		}
	}
	if _, err := parse(t, "serve", "--oidc-client-secret", "x"); err == nil {
		t.Error("the secret is taken as a flag")
	}
	if _, err := (oidcFlags{ClientID: "c"}).config(""); err == nil {
		t.Error("a client without an issuer is taken")
	}
	if _, err := (oidcFlags{Issuer: "https://id.example.com", ClientSecretFile: file + "x"}).config(""); err == nil {
		t.Error("a file that is not there is taken")
	}
}
