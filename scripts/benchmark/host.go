package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/pprof"
	"strconv"
	"syscall"

	"github.com/patchbay/patchbay/host"
)

// serveHost is the host within this program, where there is no patchbay binary or where it is to be profiled: each SIGUSR1 ends one
// CPU profile and begins the next, numbered from 0.
func serveHost(ctx context.Context, args []string) error {
	f := flag.NewFlagSet("host", flag.ContinueOnError)
	data := f.String("data", "", "")
	listen := f.String("listen", "", "")
	adapters := f.String("adapters", "", "")
	profile := f.String("profile", "", "")
	if err := f.Parse(args); err != nil {
		return err
	}
	h, err := host.Open(ctx, host.Config{Data: *data, Listen: *listen, Adapters: *adapters, Version: "0.0.0-benchmark",
		Logger: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))})
	if err != nil {
		return err
	}
	if *profile == "" {
		return h.Run(ctx)
	}
	profiled := make(chan error, 1)
	ending, end := context.WithCancel(ctx)
	go func() { profiled <- profiles(ending, *profile) }()
	err = h.Run(ctx)
	end()
	if failed := <-profiled; err == nil {
		err = failed
	}
	return err
}

// profiles writes one profile after the other until ctx is done.
func profiles(ctx context.Context, dir string) error {
	next := make(chan os.Signal, 1)
	signal.Notify(next, syscall.SIGUSR1)
	defer signal.Stop(next)
	for i := 0; ; i++ {
		file, err := os.Create(filepath.Join(dir, "host."+strconv.Itoa(i)+".pprof"))
		if err != nil {
			return fmt.Errorf("making a profile: %w", err)
		}
		if err := pprof.StartCPUProfile(file); err != nil {
			return fmt.Errorf("starting a profile: %w", err)
		}
		select {
		case <-next:
		case <-ctx.Done():
		}
		pprof.StopCPUProfile()
		if err := file.Close(); err != nil {
			return fmt.Errorf("writing a profile: %w", err)
		}
		if ctx.Err() != nil {
			return nil
		}
	}
}
