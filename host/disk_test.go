package host_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// A full disk makes calls fail in words and loses nothing that was answered; with room again the host goes on by itself.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("mounting a small file system needs root")
	}
	data := dataDir(t)
	if err := os.MkdirAll(data, 0o711); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", data, "tmpfs", 0, "size=256m,mode=711"); err != nil {
		t.Skipf("this machine mounts no tmpfs: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(data, syscall.MNT_DETACH) })
	s := spawn(t, config(t, data, ""))
	t.Cleanup(s.kill) // before the file system goes
	slack := newSlackDouble(t)
	i := s.connectSlack(slack)
	var kept answerView
	s.must("POST", "/v1/calls", message(i, "before"), &kept)
	fill(t, filepath.Join(data, "filling"))
	failed := false
	for n := 0; n < 2000 && !failed; n++ {
		status, raw, err := s.try(s.Token, "POST", "/v1/calls", message(i, "x"))
		if err != nil {
			t.Fatal(err)
		}
		var p problem
		if err := json.Unmarshal(raw, &p); err != nil {
			t.Fatalf("it answers %d %s", status, raw)
		}
		if failed = status >= 500; failed && (p.Detail == "" || p.RequestID == "") {
			t.Errorf("on a full disk it answers %s", raw)
		}
	}
	if err := os.Remove(filepath.Join(data, "filling")); err != nil {
		t.Fatal(err)
	}
	eventually(t, "calls work again", func() bool {
		status, _, err := s.try(s.Token, "POST", "/v1/calls", message(i, "after"))
		return err == nil && status == 200
	})
	s.must("GET", "/v1/calls/"+kept.ID, nil, nil)
	var verified struct{ OK bool }
	if s.must("POST", "/v1/audit/verify", nil, &verified); !verified.OK {
		t.Error("the audit log does not verify")
	}
	if !failed {
		t.Log("the room that PostgreSQL had set aside lasted for 2000 calls")
	}
}

// fill takes all room there is.
func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	for block := make([]byte, 1<<20); len(block) > 0; {
		if _, err := f.Write(block); err != nil {
			block = block[:len(block)/2]
		}
	}
}
