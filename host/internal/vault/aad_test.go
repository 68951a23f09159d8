package vault

import (
	"encoding/hex"
	"strings"
	"testing"
)

func TestAADsDiffer(t *testing.T) {
	all := map[string]AAD{
		"credential": CredentialAAD("u", "i", 1), "credential 11": CredentialAAD("u", "i", 11),
		"shifted left": CredentialAAD("ui", "x", 1), "shifted right": CredentialAAD("u", "ix", 1),
		"digits shifted": CredentialAAD("u", "i1", 1), "swapped": CredentialAAD("i", "u", 1),
		"settings": SettingsAAD("u", "i"), "settings shifted": SettingsAAD("ui", "i"),
		"cluster": ClusterAAD("u"), "signing": SigningKeyAAD("u"),
		"answer": AnswerAAD("u", "i"), "webhook": WebhookAAD("u", "i"), "hook": HookAAD("u", "i"), "run": RunAAD("u", "i"), "answer joined": AnswerAAD("u", "i1"),
		"file": FileAAD("u", "i", 1), "file 0": FileAAD("u", "i", 0), "last": LastFileAAD("u", "i", 1),
		"length inside": AnswerAAD("u", "i\x00\x00\x00\x011"), "name inside": ClusterAAD("u\x00\x00\x00\x01i"),
	}
	seen := map[string]string{}
	for name, aad := range all {
		if !aad.valid() {
			t.Errorf("%s is not valid", name)
		}
		if other, ok := seen[string(aad.encoded)]; ok {
			t.Errorf("%s and %s have the same bytes", name, other)
		}
		seen[string(aad.encoded)] = name
	}
}

func TestAADForm(t *testing.T) {
	part := func(s string) string {
		return hex.EncodeToString([]byte{0, 0, 0, byte(len(s))}) + hex.EncodeToString([]byte(s))
	}
	want := part("patchbay/1") + part("credential") + part("usr_1") + part("int_1") + part("42")
	aad := CredentialAAD("usr_1", "int_1", 42)
	if got := hex.EncodeToString(aad.encoded); got != want {
		t.Errorf("the form changed, and what is stored opens no more:\n got %s\nwant %s", got, want)
	}
	if got := aad.String(); got != `credential user="usr_1" integration="int_1" version="42"` {
		t.Errorf("described as %s", got)
	}
	if aad.Purpose() != "credential" || (AAD{}).Purpose() != "" || (AAD{}).String() != "nothing" {
		t.Error("the purpose is not told")
	}
}

func TestAADRefusesGaps(t *testing.T) {
	gaps := map[string]AAD{
		"no user": CredentialAAD("", "i", 1), "no integration": CredentialAAD("u", "", 1),
		"version 0": CredentialAAD("u", "i", 0), "version -1": CredentialAAD("u", "i", -1),
		"no platform": SettingsAAD("", "f"), "no field": SettingsAAD("p", ""), "no name": ClusterAAD(""),
		"no id": SigningKeyAAD(""), "no key": AnswerAAD("u", ""), "no asker": AnswerAAD("", "k"), "no webhook": WebhookAAD("u", ""), "nobody's": WebhookAAD("", "w"),
		"no call": FileAAD("", "f", 0), "no file": FileAAD("c", "", 0), "chunk -1": LastFileAAD("c", "f", -1),
	}
	for name, aad := range gaps {
		if aad.valid() {
			t.Errorf("%s is valid", name)
		}
	}
}

func FuzzAAD(f *testing.F) {
	f.Add("u", "k", "v", "w")
	f.Add("u", "", "\x00\x00\x00\x01", "u")
	f.Add(strings.Repeat("x", 300), "\xff", "a", "b")
	f.Fuzz(func(t *testing.T, a, b, c, d string) {
		one, two := AnswerAAD(a, b), AnswerAAD(c, d)
		if one.valid() != (a != "" && b != "") {
			t.Fatal("valid with a gap, or not without")
		}
		if one.valid() && two.valid() && (string(one.encoded) == string(two.encoded)) != (a == c && b == d) {
			t.Fatal("the bytes do not tell the fields apart")
		}
		if fields := one.fields(); one.valid() && (len(fields) != 2 || fields[0] != a || fields[1] != b) {
			t.Fatalf("read back as %q", fields)
		}
	})
}
