package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/patchbay/patchbay/sdk/sandbox"
)

// oci is what runc and runsc have in common: the command line.
type oci struct {
	name         string
	flags        []string // before the verb
	strong, cold bool
}

// Name is the program's.
func (o oci) Name() string { return o.name }

// Strong says whether it isolates by more than namespaces.
func (o oci) Strong() bool { return o.strong }

// Cold says whether it can park.
func (o oci) Cold() bool { return o.cold }

func (o oci) args(p place, args ...string) []string {
	return append(append([]string{"--root", p.runtimeRoot(o.name)}, o.flags...), args...)
}

func (o oci) do(ctx context.Context, p place, args ...string) (string, error) {
	return run(ctx, o.name, o.args(p, args...)...)
}

// launch starts what stays. The runtime's own streams are a file: what is started keeps them.
func (o oci) launch(ctx context.Context, p place, args ...string) error {
	path, err := find(o.name)
	if err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	log := p.path("runtime.log")
	if err := os.MkdirAll(p.runtimeRoot(o.name), 0o711); err != nil {
		return err
	}
	_ = os.Remove(log) // of the last start
	cmd := exec.CommandContext(context.WithoutCancel(ctx), path, o.args(p, args...)...)
	cmd.Env = program
	said, err := os.OpenFile(log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = said.Close() }() // the child has its copy
	cmd.Stdout, cmd.Stderr = said, said
	if err := cmd.Run(); err != nil {
		raw, _ := os.ReadFile(log) // the error stands without it too
		return fmt.Errorf("%s %s: %w: %s", o.name, args[0], err, strings.TrimSpace(string(raw[:min(len(raw), 2000)])))
	}
	return nil
}

// Start runs the bundle.
func (o oci) Start(ctx context.Context, p place) error {
	return o.launch(ctx, p, "run", "--detach", "--bundle", p.dir(), p.id)
}

// Client prepares a client of the agent.
func (o oci) Client(ctx context.Context, p place) (*exec.Cmd, error) {
	path, err := find(o.name)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, path, o.args(p, "exec", p.id, agentPath, clientArgument)...)
	cmd.Env, cmd.WaitDelay = program, outputDelay
	return cmd, nil
}

// Status asks the runtime.
func (o oci) Status(ctx context.Context, p place) string {
	out, err := o.do(ctx, p, "state", p.id)
	if err != nil {
		if strings.Contains(err.Error(), "does not exist") || strings.Contains(err.Error(), "not found") || strings.Contains(err.Error(), "no such file") {
			return sandbox.Stopped
		}
		return sandbox.Unknown
	}
	var state struct {
		Status string `json:"status"`
	}
	if json.Unmarshal([]byte(out), &state) != nil {
		return sandbox.Unknown
	}
	switch state.Status {
	case "running", "created":
		return sandbox.Running
	case "paused", "stopped":
		return state.Status
	}
	return sandbox.Unknown
}

// Freeze stops all processes.
func (o oci) Freeze(ctx context.Context, p place) error {
	_, err := o.do(ctx, p, "pause", p.id)
	return err
}

// Thaw lets them go on.
func (o oci) Thaw(ctx context.Context, p place) error {
	_, err := o.do(ctx, p, "resume", p.id)
	return err
}

// Park writes the memory away.
func (o oci) Park(ctx context.Context, p place, image string) error {
	if !o.cold {
		return errors.New(o.name + " cannot park")
	}
	_, err := o.do(ctx, p, "checkpoint", "--image-path="+image, p.id)
	return err
}

// Restore starts from an image.
func (o oci) Restore(ctx context.Context, p place, image string) error {
	return o.launch(ctx, p, "restore", "--detach", "--background", "--image-path="+image, "--bundle", p.dir(), p.id)
}

// How long an end is waited for, and how often it is asked for again: a runtime's delete can fail under load.
const (
	deleteTries = 5
	deletePause = 200 * time.Millisecond
)

// Delete ends everything of it.
func (o oci) Delete(ctx context.Context, p place) error {
	var err error
	for range deleteTries {
		if _, err = o.do(ctx, p, "delete", "--force", p.id); err == nil || o.Status(ctx, p) == sandbox.Stopped {
			if left := processesOf(p.id); left == 0 {
				removeGroups(p.id)
				return os.RemoveAll(filepath.Join(p.runtimeRoot(o.name), p.id))
			}
			killGroup(p.id)
		}
		select {
		case <-ctx.Done():
			return errors.Join(err, ctx.Err())
		case <-time.After(deletePause):
		}
	}
	if err == nil {
		err = fmt.Errorf("%d processes of %s are left", processesOf(p.id), p.id)
	}
	return err
}
