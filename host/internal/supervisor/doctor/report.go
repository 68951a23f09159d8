package doctor

// Outcome is how an attempt ends.
type Outcome string

// The outcomes.
const (
	Refused Outcome = "refused"
	Allowed Outcome = "allowed"
)

// Kernel is what the running kernel offers, and whether adapters get user ids of their own.
type Kernel struct {
	// LandlockABI is the kernel's version of Landlock, 0 without.
	LandlockABI int `json:"landlock_abi"`
	// Seccomp is true where system calls can be filtered.
	Seccomp bool `json:"seccomp"`
	// SealedMemfd is true where a sealed copy of a program can be executed.
	SealedMemfd bool `json:"sealed_memfd"`
	// OwnUID is true for root.
	OwnUID bool `json:"own_uid"`
	// Missing says, for people, what full confinement lacks here. A host refuses to start adapters then, unless it is told not to.
	Missing []string `json:"missing,omitempty"`
}

// Probe is one attempt and how it ended.
type Probe struct {
	Name     string  `json:"name"`
	Expected Outcome `json:"expected"`
	Outcome  Outcome `json:"outcome"`
	// By names what stopped it: landlock, seccomp, own uid, no capabilities, rlimit, sealed memfd, pinned digest, egress policy,
	// closed descriptors, empty environment, host not dumpable; or "nothing here to refuse" where an unconfined program fails as well; ""
	// where nothing did.
	By string `json:"by"`
	// Detail is, for people, the error or what was gained.
	Detail string `json:"detail,omitempty"`
}

// Report is what the doctor found.
type Report struct {
	Kernel Kernel  `json:"kernel"`
	Probes []Probe `json:"probes"`
}

// Unexpected lists the names of the probes that did not end as expected.
func (r Report) Unexpected() []string {
	var names []string
	for _, p := range r.Probes {
		if p.Outcome != p.Expected {
			names = append(names, p.Name)
		}
	}
	return names
}
