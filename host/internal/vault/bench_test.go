package vault

import "testing"

func BenchmarkSeal(b *testing.B) {
	h := startedHost(b, Config{})
	secret := SecretString(plain)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := h.Seal(b.Context(), CredentialAAD("usr_1", "int_1", 1), secret); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkOpenCached(b *testing.B) {
	benchmarkOpen(b, Config{})
}

func BenchmarkOpenUncached(b *testing.B) {
	benchmarkOpen(b, Config{CacheSize: -1})
}

func benchmarkOpen(b *testing.B, cfg Config) {
	h := startedHost(b, cfg)
	sealed := mustSeal(b, h.Vault, credential, plain)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := h.Open(b.Context(), byOwner, CredentialAAD("usr_1", "int_1", 1), sealed); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkOpenCachedParallel(b *testing.B) {
	h := startedHost(b, Config{})
	sealed := mustSeal(b, h.Vault, credential, plain)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := h.Open(b.Context(), byOwner, CredentialAAD("usr_1", "int_1", 1), sealed); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkRewrap(b *testing.B) {
	h, store, _, _ := rotatedHost(b, 1)
	row := store.get(rowID(0))
	for b.Loop() {
		if _, err := h.Rewrap(b.Context(), row); err != nil {
			b.Fatal(err)
		}
	}
}
