package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/patchbay/patchbay/host"
)

// errBars ends a run whose figures do not reach the bars.
var errBars = errors.New("not every bar was reached")

func main() {
	host.Shim()            // of the host within this program
	runtime.LockOSThread() // children die with the thread that started them: this one
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := role(ctx, os.Args[1:])
	stop()
	if err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintln(os.Stderr, "benchmark:", err)
		os.Exit(1)
	}
}

// role runs what the first argument names; the benchmark itself when it names none.
func role(ctx context.Context, args []string) error {
	if len(args) > 0 {
		switch args[0] {
		case "platform":
			return servePlatform(ctx)
		case "floor":
			return serveFloor(ctx, args[1:])
		case "plugin":
			return servePlugin()
		case "host":
			return serveHost(ctx, args[1:])
		}
	}
	o, err := parseOptions(args)
	if err != nil {
		return err
	}
	return measure(ctx, o)
}

// options of a run.
type options struct {
	binary, adapters string
	releases         string
	out, profile     string
	callers          []int
	rounds           int
	slice            time.Duration
	sizes            []int
	starts           int
	calls            int // whose usage is asked for
}

func parseOptions(args []string) (options, error) {
	f := flag.NewFlagSet("benchmark", flag.ContinueOnError)
	o := options{callers: []int{1, 16, 64}, rounds: 16, slice: 400 * time.Millisecond, sizes: []int{10, 10_000}, starts: 3, calls: 1_000_000}
	f.StringVar(&o.binary, "binary", "", "the patchbay binary; when empty this program is the host")
	f.StringVar(&o.adapters, "adapters", "", "folder of the adapters' binaries (required)")
	f.StringVar(&o.releases, "releases", "", "folder of slack-VERSION, two or more, for swaps; none are made when empty")
	f.StringVar(&o.out, "out", "", "file for the results as Markdown")
	f.StringVar(&o.profile, "profile", "", "folder for CPU profiles of the host, one for each number of callers; measures nothing else")
	f.Func("callers", "how many callers at once, such as 1,16,64", func(text string) (err error) {
		o.callers, err = numbers(text)
		return err
	})
	quick := f.Bool("quick", false, "under a minute: fewer and shorter slices")
	full := f.Bool("full", false, "also with 1,000,000 integrations: a few minutes")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if o.adapters == "" {
		return o, errors.New("--adapters is required: scripts/bench builds them and says where they are")
	}
	if *quick {
		o.rounds, o.slice, o.starts, o.calls = 6, 200*time.Millisecond, 1, 50_000
	}
	if *full {
		o.rounds, o.sizes = 24, append(o.sizes, 1_000_000)
	}
	return o, nil
}

// numbers reads numbers of callers, separated by commas.
func numbers(text string) ([]int, error) {
	var out []int
	for part := range strings.SplitSeq(text, ",") {
		n, err := strconv.Atoi(part)
		if err != nil || n < 1 || n > 10_000 {
			return nil, fmt.Errorf("%q is no number of callers", part)
		}
		out = append(out, n)
	}
	return out, nil
}
