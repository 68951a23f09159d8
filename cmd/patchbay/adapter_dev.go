package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/mod/semver"
)

type adapterDevCmd struct {
	Dir     string `arg:"" optional:"" type:"existingdir" help:"The adapter's folder, with its main package; the working folder when left out."`
	Version string `default:"0.0.0" placeholder:"VERSION" help:"What the versions begin with: 0.0.0 gives 0.0.0-dev.1764107328123 and so on, each higher than the one before."`
	Force   bool   `help:"Swap though a change loses what integrations use, and cut the calls of the release before."`
}

// Help is the longer help.
func (adapterDevCmd) Help() string {
	return `Builds the adapter, installs it as an unsigned release, brings it into service without losing a call, and does so again whenever a file of the folder changes. A change
that does not build, or that the host refuses, is told, and what served before goes on serving. Ctrl-C ends it and leaves the last good release in service.
It needs a token of an operator, and Go. Every release lies in the host's database, so use a host of your own for this. The program runs as confined as every release does; where the host confines it less than fully, each swap says so.

    patchbay adapter new my-crm
    patchbay adapter dev my-crm`
}

// watchEvery is how often the folder is looked at.
const watchEvery = 300 * time.Millisecond

// developer swaps what is saved into a host.
type developer struct {
	adapterDevCmd
	at  *client
	con *console
	// built is the file that programs are built to.
	built string
	// adapter and serving are what was brought into service last, "" before.
	adapter, serving string
}

// Run builds and swaps until it is interrupted.
func (c *adapterDevCmd) Run(ctx context.Context, at *client, con *console) error {
	if !semver.IsValid("v"+c.Version) || semver.Prerelease("v"+c.Version) != "" || semver.Build("v"+c.Version) != "" {
		return usageError("--version %s: give three numbers, such as 1.3.0", c.Version)
	}
	if _, err := at.ask(ctx, get(nil, "v1", "adapters")); err != nil { // before a build that takes a minute
		return err
	}
	temporary, err := os.MkdirTemp("", "patchbay-dev-")
	if err != nil {
		return fmt.Errorf("making a folder to build in: %w", err)
	}
	defer func() { _ = os.RemoveAll(temporary) }() // a temporary folder
	c.Dir = firstOf(c.Dir, ".")
	d := &developer{adapterDevCmd: *c, at: at, con: con, built: filepath.Join(temporary, "adapter")}
	err = d.watch(ctx)
	if ctx.Err() == nil {
		return err
	}
	if d.serving == "" {
		con.say("Nothing was brought into service.")
		return nil
	}
	con.say("%s %s stays in service.", clean(d.adapter), clean(d.serving))
	return nil
}

// watch swaps what is there, and again after each change, until ctx ends. What goes wrong with one change is told.
func (d *developer) watch(ctx context.Context) error {
	var done [sha256.Size]byte
	for {
		now, err := d.settled(ctx)
		if err != nil {
			return err
		}
		if now != done {
			done = now
			if err := d.swap(ctx); err != nil && ctx.Err() == nil {
				d.tell(err)
			}
		}
		if err := pause(ctx); err != nil {
			return err
		}
	}
}

// settled answers the fingerprint of the folder when two looks at it agree, so that half a save is not built.
func (d *developer) settled(ctx context.Context) ([sha256.Size]byte, error) {
	last, err := fingerprint(d.Dir)
	for err == nil {
		if err = pause(ctx); err != nil {
			break
		}
		var now [sha256.Size]byte
		if now, err = fingerprint(d.Dir); now == last {
			break
		}
		last = now
	}
	return last, err
}

func pause(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(watchEvery):
		return nil
	}
}

// swap builds what is there and brings it into service.
func (d *developer) swap(ctx context.Context) error {
	release := fmt.Sprintf("%s-dev.%d", d.Version, time.Now().UnixMilli())
	if err := d.build(ctx, release); err != nil {
		return err
	}
	install := adapterInstallCmd{File: d.built, Version: release, AllowUnsigned: true}
	upload, err := install.request(false)
	if err != nil {
		return err
	}
	r, err := fetch[review](ctx, d.at, upload)
	if err != nil {
		return err
	}
	ctx = context.WithoutCancel(ctx) // what is begun is seen to its end, and told as it is
	quiet := *d.con                  // followed's words are for a person who activates by hand
	quiet.out, quiet.json = io.Discard, false
	raw, err := d.at.ask(ctx, post(map[string]any{"version": release, "force": d.Force}, "v1", "adapters", r.Adapter, "activate"))
	if err == nil {
		err = quiet.followed(ctx, d.at, r.Adapter, raw, false)
	}
	if err != nil {
		return err
	}
	d.adapter, d.serving = r.Adapter, release
	return d.told(ctx, r)
}

// build makes the program.
func (d *developer) build(ctx context.Context, release string) error {
	build := exec.CommandContext(ctx, "go", "build", "-buildvcs=false", "-ldflags", "-X main.version="+release, "-o", d.built, ".")
	build.Dir = d.Dir
	build.Env = append(os.Environ(), "CGO_ENABLED=0") // a confined program loads no libraries
	out, err := build.CombinedOutput()
	var exit *exec.ExitError
	switch {
	case errors.Is(err, exec.ErrNotFound):
		return errors.New("there is no go in the PATH to build with")
	case errors.As(err, &exit):
		return fmt.Errorf("it does not build:\n%s", lastLines(out, 40))
	case err != nil:
		return fmt.Errorf("building: %w", err)
	}
	return nil
}

// told says what serves now, and how far it is confined.
func (d *developer) told(ctx context.Context, r review) error {
	all, err := fetch[list[adapterView]](ctx, d.at, get(nil, "v1", "adapters"))
	if err != nil {
		return err
	}
	var hosts []adapterHost
	for _, a := range all.Items {
		if a.Name == r.Adapter {
			hosts = a.Hosts
		}
	}
	if d.con.json {
		return d.con.value(map[string]any{"adapter": r.Adapter, "version": d.serving, "hosts": hosts})
	}
	d.con.say("%s %s is in service on %s.", clean(r.Adapter), clean(d.serving), hostsText(len(hosts)))
	for _, h := range hosts {
		if loose := h.unconfined(); loose != "" {
			d.con.say("!! UNCONFINED on host %s: %s", clean(h.Host), clean(loose))
		}
	}
	return nil
}

// unconfined answers what an adapter is not held by on a host, or "".
func (h adapterHost) unconfined() string {
	if _, missing, found := strings.Cut(h.Confinement, "missing: "); found {
		return "this kernel lacks " + missing
	}
	if h.Confinement == "" || h.Confinement == "none" || strings.HasPrefix(h.Confinement, "privileged") {
		return firstOf(strings.TrimPrefix(h.Confinement, "none"), "the adapter can do there what the host's user can")
	}
	return ""
}

// tell says what went wrong with a change, and what goes on.
func (d *developer) tell(err error) {
	d.con.report(err)
	if d.con.json {
		return
	}
	if d.serving != "" {
		d.con.note("%s %s goes on serving. Waiting for the next change.", clean(d.adapter), clean(d.serving))
		return
	}
	d.con.note("Waiting for the next change.")
}

// fingerprint tells states of a folder apart by the contents of what a program is built from. Tests, hidden files, programs and packs are left out.
func fingerprint(dir string) (sum [sha256.Size]byte, err error) {
	all := sha256.New()
	err = filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist) && path != dir:
			return nil // an editor's file that came and went
		case err != nil:
			return err
		case path != dir && (strings.HasPrefix(entry.Name(), ".") || entry.IsDir() && entry.Name() == "testdata"):
			if entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		return hashSource(all, path, entry)
	})
	if err != nil {
		return sum, fmt.Errorf("looking at the folder: %w", err)
	}
	return [sha256.Size]byte(all.Sum(nil)), nil
}

// hashSource adds a file that a program may be built from.
func hashSource(all io.Writer, path string, entry fs.DirEntry) error {
	info, err := entry.Info()
	if err != nil || !info.Mode().IsRegular() || info.Mode()&0o111 != 0 || strings.HasSuffix(path, "_test.go") || strings.HasSuffix(path, ".pack") {
		return nil //nolint:nilerr // it came and went, or is not built from
	}
	f, err := os.Open(path)
	if err != nil {
		return nil //nolint:nilerr // as above
	}
	defer func() { _ = f.Close() }() // only read
	_, _ = fmt.Fprintf(all, "%q %d\n", path, info.Size())
	_, err = io.Copy(all, f)
	return err
}

// lastLines answers the end of a program's output.
func lastLines(out []byte, n int) string {
	lines := bytes.Split(bytes.TrimSpace(out), []byte("\n"))
	return string(bytes.Join(lines[max(0, len(lines)-n):], []byte("\n")))
}
