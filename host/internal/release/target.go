package release

import "time"

// Target is what a host is to run of one adapter: the desired state with its releases looked up for this machine.
type Target struct {
	Adapter  string
	Revision int64
	// Since is when the state was made, by the database's clock.
	Since            time.Time
	Disabled, Forced bool
	Release          Release
	// Canary gets Share of the calls; nil: there is none.
	Canary *Release
	Share  float64
	// Fallback takes over when Release proves bad; nil: nothing can.
	Fallback *Release
}

// Verdict is a host's judgement on a release.
type Verdict struct {
	Adapter string
	// Revision is that of the target in which the release was judged.
	Revision int64
	Release  Release
	// Good is true for a release that came into service; otherwise Reason says why it was given up.
	Good   bool
	Reason string
	// Canary is true where the release was one.
	Canary bool
}
