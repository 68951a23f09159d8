package main

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/patchbay/patchbay/host"
)

// The doctor finds this machine well, without a host and without writing anything.
func TestDoctor(t *testing.T) {
	home := t.TempDir()
	cmd := exec.Command(filepath.Join(programs(t), "patchbay"), "doctor", "--json")
	cmd.Env = []string{"HOME=" + home, "PATCHBAY_DATA=" + filepath.Join(home, "data")}
	var out, problems bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &problems
	if err := cmd.Run(); err != nil {
		t.Fatalf("the doctor ends with %v: %s%s", err, &out, &problems)
	}
	var report struct {
		Probes []struct{ Name, Expected, Outcome, By string }
	}
	if err := json.Unmarshal(out.Bytes(), &report); err != nil {
		t.Fatalf("%v: %s", err, &out)
	}
	outcomes := map[string]string{}
	for _, p := range report.Probes {
		if p.Outcome != p.Expected {
			t.Errorf("%s is %s, want %s", p.Name, p.Outcome, p.Expected)
		}
		outcomes[p.Name] = strings.TrimSpace(p.Outcome + " " + p.By)
	}
	for name, want := range map[string]string{"dial-tcp": "refused seccomp", "read-file-outside": "refused landlock",
		"dial-undeclared-host": "refused egress policy", "https-to-declared-host": "allowed", "change-checked-program": "refused sealed memfd"} {
		if outcomes[name] != want {
			t.Errorf("%s is %q, want %q", name, outcomes[name], want)
		}
	}
	if left, err := filepath.Glob(filepath.Join(home, "*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// A person sees at once what is wrong.
func TestDiagnosis(t *testing.T) {
	var out bytes.Buffer
	report := host.Report{Probes: []host.Probe{
		{Name: "dial-tcp", Expected: "refused", Outcome: "allowed", Detail: "done"},
		{Name: "send-udp", Expected: "refused", Outcome: "refused", By: "seccomp"},
	}}
	report.Kernel.Seccomp = true
	report.Kernel.Missing = []string{"Landlock"}
	(&console{out: &out}).diagnosis(report)
	for _, want := range []string{"dial-tcp  refused   ALLOWED  -", "send-udp  refused   refused  seccomp", "offers: seccomp\n", "lacks: Landlock\n"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("it does not say %q:\n%s", want, &out)
		}
	}
	if strings.Contains(out.String(), "as expected") {
		t.Errorf("it takes that for good:\n%s", &out)
	}
}
