package main

import (
	"fmt"
	"os"
	"strings"
	"time"
)

// publish prints the results, writes them where they are wanted, and fails when a bar was not reached.
func publish(o options, m machine, r results) error {
	text := render(o, m, r, time.Now())
	fmt.Print(text)
	if o.out != "" {
		if err := os.WriteFile(o.out, []byte(text), 0o644); err != nil {
			return fmt.Errorf("writing the results: %w", err)
		}
	}
	for _, b := range bars(r) {
		if !b.passed {
			return errBars
		}
	}
	return nil
}

func render(o options, m machine, r results, now time.Time) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Benchmark\n\nWhat a call of Patchbay costs beside what any design of its kind would cost. Measured on %s with `%s`\nat commit %s.\n\n",
		now.UTC().Format("2 January 2006"), command(o), m.commit)
	fmt.Fprintf(&b, "Machine: %d cores of %s, %s; the disk keeps a page durably in %s.\n\n", m.cores, m.processor, m.system, micro(m.sync))
	b.WriteString(`The platform is a mock on loopback that answers at once, so that nothing but the way to it is measured:

- **direct**: a request to the platform itself;
- **floor**: an HTTP handler, and behind it a bare go-plugin process over gRPC with AutoMTLS, which asks the platform;
- **floor + INSERT**: the same, and one row into the same PostgreSQL, committed before the answer;
- **Patchbay**: ` + "`slack.send_message`" + ` over REST, with everything that a call of Patchbay is: token, integration, input checked, credential
  opened, egress, adapter, and the call and its audit record committed before the answer. Its binaries are those of ` + "`scripts/build`" + `, which
  optimises them by a profile of a host under load; the floor is built plainly.

`)
	fmt.Fprintf(&b, "The four take turns in slices of %s, %d rounds for each number of callers; the figures are medians over slices. The load generator, the\n"+
		"platform and what is measured share the machine's cores. Other programs used %s of them meanwhile.\n\n", o.slice, o.rounds, others(o, r))
	renderBars(&b, r)
	renderWays(&b, o, r)
	renderCPU(&b, o, r)
	renderStarts(&b, r)
	renderMemory(&b, r)
	renderLookup(&b, r)
	renderUsage(&b, r)
	renderSwaps(&b, r)
	return b.String()
}

// others says how much of the machine was not the benchmark's to use.
func others(o options, r results) string {
	var parts []string
	for _, callers := range o.callers {
		parts = append(parts, fmt.Sprintf("%.0f %% (%d callers)", 100*max(r.others[callers], 0), callers))
	}
	return strings.Join(parts, ", ")
}

// command is how the run is repeated.
func command(o options) string {
	switch {
	case len(o.sizes) > 2:
		return "scripts/bench --full"
	case o.starts == 1:
		return "scripts/bench --quick"
	}
	return "scripts/bench"
}

func renderBars(b *strings.Builder, r results) {
	b.WriteString("## Bars\n\n")
	row(b, "bar", "limit", "measured", "reached")
	row(b, "---", "---:", "---:", "---")
	for _, bar := range bars(r) {
		reached := "yes"
		if !bar.passed {
			reached = "**no**"
		}
		row(b, bar.what, bar.limit, bar.measured, reached)
	}
	if stock(r.lookup, most) == nil {
		b.WriteString("\nThe bar for 1,000,000 integrations needs `scripts/bench --full`.\n")
	}
	if r.idle.unknown {
		b.WriteString("\nThe bar for memory needs root: the host keeps its memory from other processes of its user.\n")
	}
}

func renderWays(b *strings.Builder, o options, r results) {
	b.WriteString("\n## Calls\n\n")
	row(b, "callers", "way", "p50", "p99", "calls/s", "p50 to floor + INSERT", "calls/s to floor")
	row(b, "---:", "---", "---:", "---:", "---:", "---:", "---:")
	for _, callers := range o.callers {
		list := r.table[callers]
		for i, f := range list {
			row(b, fmt.Sprint(callers), r.ways[i], micro(f.p50), micro(f.p99), fmt.Sprintf("%.0f", f.rate),
				fmt.Sprintf("%.2f×", float64(f.p50)/float64(list[wayDurable].p50)), fmt.Sprintf("%.2f×", f.rate/list[wayFloor].rate))
		}
	}
}

func renderCPU(b *strings.Builder, o options, r results) {
	b.WriteString("\n## CPU for each call, user and system\n\nOf the floor or the host, of the plugin or the adapter, of PostgreSQL, and of the mock platform.\n\n")
	row(b, "callers", "way", "floor or host", "plugin or adapter", "PostgreSQL", "together", "platform")
	row(b, "---:", "---", "---:", "---:", "---:", "---:", "---:")
	for _, callers := range o.callers {
		for i, f := range r.table[callers] {
			c := f.cpu
			if i == wayDirect || i == wayFloor {
				c.database = 0 // its own housekeeping
			}
			row(b, fmt.Sprint(callers), r.ways[i], micro(c.front), micro(c.plugin), micro(c.database), micro(c.front+c.plugin+c.database), micro(c.platform))
		}
	}
}

func renderStarts(b *strings.Builder, r results) {
	b.WriteString("\n## Start\n\n")
	row(b, "from the start of the process", "time")
	row(b, "---", "---:")
	row(b, "first run on an empty folder: database made, ready", seconds(r.starts.coldReady))
	row(b, "the same, until an account is connected and a first call answered", seconds(r.starts.cold))
	row(b, "later runs, until the first answered call, the adapter's start in it", seconds(r.starts.warm))
}

func renderMemory(b *strings.Builder, r results) {
	b.WriteString("\n## Memory, PSS\n\n")
	if r.idle.unknown {
		b.WriteString("Not measured: it needs root.\n")
		return
	}
	row(b, "when", "host", "adapters ("+strings.Join(r.adapters, ", ")+")", "PostgreSQL", "together")
	row(b, "---", "---:", "---:", "---:", "---:")
	for _, m := range []struct {
		when string
		memory
	}{{"idle, after a start", r.idle}, {"right after the load above", r.loaded}} {
		row(b, m.when, megabytes(m.host), megabytes(m.adapters), megabytes(m.database), megabytes(m.sum()))
	}
}

func renderLookup(b *strings.Builder, r results) {
	b.WriteString("\n## Many integrations\n\np50 with one caller, on hosts with so many integrations of one user that take turns. The host keeps copies of records; *read from the\n" +
		"database* is a call whose integration was changed just before. *Shown* is `GET /v1/integrations/{id}` of any one, which always reads.\n\n")
	row(b, "integrations", "call", "call, read from the database", "shown")
	row(b, "---:", "---:", "---:", "---:")
	for _, l := range r.lookup {
		first := r.lookup[0]
		row(b, fmt.Sprint(l.size), against(l.call, first.call), against(l.fresh, first.fresh), against(l.read, first.read))
	}
}

func renderUsage(b *strings.Builder, r results) {
	u := r.usage
	if u.calls == 0 {
		return
	}
	fmt.Fprintf(b, "\n## Usage\n\n`GET /v1/usage` over %d calls of 30 days, of 50 accounts with 4 operations each: p50 with one caller, from sums. Rolling all of them up took %s.\n\n", u.calls, seconds(u.rollUp))
	row(b, "by account", "by day")
	row(b, "---:", "---:")
	row(b, micro(u.byAccount), micro(u.byDay))
}

func renderSwaps(b *strings.Builder, r results) {
	s := r.swaps
	if s.count == 0 {
		return
	}
	fmt.Fprintf(b, "\n## Swaps\n\n%d callers, while two releases of the adapter took turns %d times, one swap after the other as fast as the host brings them about: the\n"+
		"new process starts beside the old one on the same cores. No call failed.\n\n", swapCallers, s.count)
	row(b, "", "p50", "p99", "calls/s")
	row(b, "---", "---:", "---:", "---:")
	for _, m := range []struct {
		when string
		sample
	}{{"without swaps", s.quiet}, {"with swaps", s.during}} {
		row(b, m.when, micro(m.p50), micro(m.p99), fmt.Sprintf("%.0f", m.rate))
	}
}

func against(d, first time.Duration) string {
	return fmt.Sprintf("%s (%.2f×)", micro(d), float64(d)/float64(first))
}

func row(b *strings.Builder, cells ...string) {
	b.WriteString("| " + strings.Join(cells, " | ") + " |\n")
}

func micro(d time.Duration) string {
	if d >= 10*time.Millisecond {
		return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond))
	}
	return fmt.Sprintf("%d µs", d.Microseconds())
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.2f s", d.Seconds()) }

func megabytes(n int64) string { return fmt.Sprintf("%d MiB", n>>20) }
