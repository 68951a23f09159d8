package sandbox

import (
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Mark is a moment by two clocks. Time is measured by the machine's own, which nobody sets, while it is the same start of the machine; across
// a restart only what is stored is charged, by the calendar.
type Mark struct {
	Wall   time.Time     `json:"wall"`
	Boot   string        `json:"boot"`
	Uptime time.Duration `json:"uptime"`
}

// ReadClock answers now.
func ReadClock() Mark {
	m := Mark{Wall: time.Now().UTC().Round(0)}
	if raw, err := os.ReadFile("/proc/sys/kernel/random/boot_id"); err == nil {
		m.Boot = strings.TrimSpace(string(raw))
	}
	var ts unix.Timespec
	if unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts) == nil {
		m.Uptime = time.Duration(ts.Nano())
	}
	return m
}

// maxStored bounds what is charged for storage across a restart of the machine, for its calendar may have been set meanwhile.
const maxStored = 31 * 24 * time.Hour

// between answers how long something ran from one mark to the next, and how long it was kept. Neither is ever negative.
func between(from, to Mark) (ran, kept time.Duration) {
	if from.Boot == to.Boot {
		d := max(0, to.Uptime-from.Uptime)
		return d, d
	}
	return 0, min(max(0, to.Wall.Sub(from.Wall)), maxStored)
}

// Prices are the operator's, in their currency.
type Prices struct {
	Currency    string  `json:"currency"`
	VCPUSecond  float64 `json:"vcpu_second"`
	GiBSecond   float64 `json:"gib_second"`
	DiskGiBHour float64 `json:"disk_gib_hour"`
}

// meter moves a sandbox's mark to now and answers what is due since the last one. alive says that it ran until now; where it was found dead
// it is charged for what was seen of its running alone, which the last mark was.
func (b *Sandbox) meter(now Mark, alive bool, p Prices) Usage {
	ran, kept := between(b.Mark, now)
	b.Mark = now
	var u Usage
	if b.State == Running && alive {
		b.Ran += ran
		u.VCPUSeconds = ran.Seconds() * b.CPUs
		u.GiBSeconds = ran.Seconds() * float64(b.MemoryMB) / 1024
	}
	if b.State == Running || b.State == Paused {
		u.DiskGiBHours = kept.Hours() * float64(b.StoredBytes) / (1 << 30)
	}
	u.Cost = u.VCPUSeconds*p.VCPUSecond + u.GiBSeconds*p.GiBSecond + u.DiskGiBHours*p.DiskGiBHour
	return u
}
