package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"
)

// program is the environment of the programs of the machine that the adapter runs; its own is empty.
var program = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C"}

// outputDelay is how long the output of a program that has ended is waited for, where something it left holds it open.
const outputDelay = 2 * time.Second

// run runs a program to its end and answers what it said. It is not cut short by the end of a call: what it has begun would be left in
// between.
func run(ctx context.Context, name string, args ...string) (string, error) {
	path, err := find(name)
	if err != nil {
		return "", err
	}
	var out, problems limited
	cmd := exec.CommandContext(context.WithoutCancel(ctx), path, args...)
	cmd.Env, cmd.Stdout, cmd.Stderr, cmd.WaitDelay = program, &out, &problems, outputDelay
	if err := ctx.Err(); err != nil {
		return "", err
	}
	if err := cmd.Run(); err != nil && !errors.Is(err, exec.ErrWaitDelay) {
		return out.String(), fmt.Errorf("%s %s: %w: %s", name, verb(args), err, strings.TrimSpace(problems.String()))
	}
	return out.String(), nil
}

// verb is the part of a command line that tells what it was for.
func verb(args []string) string {
	for _, a := range args {
		if !strings.HasPrefix(a, "-") && !strings.HasPrefix(a, "/") {
			return a
		}
	}
	return ""
}

// find finds a program of the machine.
func find(name string) (string, error) {
	for _, dir := range strings.Split(strings.TrimPrefix(program[0], "PATH="), ":") {
		path := dir + "/" + name
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			return path, nil
		}
	}
	return "", fmt.Errorf("%s is not installed", name)
}

// limited keeps the first 64 KiB.
type limited struct{ bytes.Buffer }

// Write drops what is too much.
func (l *limited) Write(p []byte) (int, error) {
	if room := 64<<10 - l.Len(); room > 0 {
		_, _ = l.Buffer.Write(p[:min(len(p), room)]) // documented never to fail
	}
	return len(p), nil
}
