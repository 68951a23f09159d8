package supervisor

import (
	"crypto/sha256"
	"debug/elf"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/patchbay/patchbay/host/internal/release"
)

// linkedStatically says whether this test binary can run confined, where there are no libraries.
func linkedStatically(t testing.TB) bool {
	t.Helper()
	self, err := elf.Open("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = self.Close() }()
	return self.Section(".interp") == nil
}

// confine makes the rig's doubles real confined processes. They can write nothing that a test reads.
func (r *rig) confine(names ...string) {
	r.t.Helper()
	if err := os.Chmod(filepath.Dir(r.cfg.RunDir), 0o711); err != nil { // adapters with a user id of their own pass
		r.t.Fatal(err)
	}
	if err := os.Mkdir(r.cfg.RunDir, 0o711); err != nil {
		r.t.Fatal(err)
	}
	r.cfg.Confine = &Confinement{}
	content, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		r.t.Fatal(err)
	}
	for _, name := range names {
		path := filepath.Join(r.dir, name)
		if err := os.Remove(path); err != nil {
			r.t.Fatal(err)
		}
		if err := os.WriteFile(path, content, 0o700); err != nil {
			r.t.Fatal(err)
		}
		encoded, err := proto.Marshal(manifestOf(name))
		if err != nil {
			r.t.Fatal(err)
		}
		digest := sha256.Sum256(content)
		if err := r.manifests.PutManifest(r.t.Context(), digest[:], name, "1.0.0", encoded); err != nil {
			r.t.Fatal(err)
		}
	}
}

// Releases of confined processes take turns under load as others do, and a binary that is not what was installed never starts.
func TestConfinedSwaps(t *testing.T) {
	if !linkedStatically(t) {
		t.Skip("this test binary needs libraries, which a confined program does not see: run with CGO_ENABLED=0")
	}
	r := newRig(t, "one")
	r.confine("one")
	r.open()
	path := filepath.Join(r.dir, "one")
	r.must("one", "echo", `{}`)
	tampered := release.Release{Adapter: "one", Version: "1.0.0", Digest: sha256.Sum256([]byte("another")), Trust: release.Signed}
	encoded, err := proto.Marshal(manifestOf("one"))
	if err != nil {
		t.Fatal(err)
	}
	if err := r.manifests.PutManifest(t.Context(), tampered.Digest[:], "one", "1.0.0", encoded); err != nil {
		t.Fatal(err)
	}
	r.places.put(tampered.Digest, path)
	good := r.all()[0].target.Release
	good.Trust = release.Signed
	r.bring(good, nil)
	pid := r.only().PID
	if s := r.bring(tampered, &good); s.PID != pid || s.Digest != good.DigestText() {
		t.Errorf("a binary of another digest: %+v", s)
	}
	for v := r.verdict(); ; v = r.verdict() {
		if !v.Good {
			if v.Release.Digest != tampered.Digest {
				t.Errorf("the verdict is %+v", v)
			}
			break
		}
	}
	r.must("one", "echo", `{}`)
}

// BenchmarkCall is a call through the supervisor to a process that does nothing, by 8 callers.
func BenchmarkCall(b *testing.B) {
	for _, confined := range []bool{false, true} {
		name := map[bool]string{false: "plain", true: "confined"}[confined]
		b.Run(name, func(b *testing.B) {
			if !linkedStatically(b) {
				b.Skip("run with CGO_ENABLED=0")
			}
			r := newRig(b, "one")
			if confined {
				r.confine("one")
			}
			r.open()
			request := r.request("one", "echo", `{"text":"Deployment of build 4711 finished in 38 s"}`)
			if _, err := r.Run(b.Context(), request, &sink{}); err != nil {
				b.Fatal(err)
			}
			var left atomic.Int64
			left.Store(int64(b.N))
			b.ResetTimer()
			began := time.Now()
			var running sync.WaitGroup
			for range 8 {
				running.Go(func() {
					for left.Add(-1) >= 0 {
						if _, err := r.Run(b.Context(), request, &sink{}); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			running.Wait()
			b.ReportMetric(float64(b.N)/time.Since(began).Seconds(), "calls/s")
		})
	}
}
