package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// good holds what an honest adapter does, and what the program can see of its own state.
func good() map[string]func(args []string) (string, error) {
	return map[string]func(args []string) (string, error){
		"own-file": func([]string) (string, error) {
			if err := os.WriteFile("note", []byte("mine"), 0o600); err != nil {
				return "", err
			}
			content, err := os.ReadFile(filepath.Join(os.Getenv("HOME"), "note"))
			return string(content), errors.Join(err, os.Mkdir("dir", 0o700), os.Rename("note", "dir/note"), os.RemoveAll("dir"))
		},
		"serve":       serve,
		"get":         get,
		"threads":     threads,
		"environment": func([]string) (string, error) { return environment(), nil },
		"descriptors": func([]string) (string, error) { return descriptors(), nil },
		"arguments": func(args []string) (string, error) {
			return strings.Join(append([]string{os.Args[0]}, args...), "|"), nil
		},
		"identity": identity,
		"wait": func([]string) (string, error) {
			fmt.Println("waiting")
			time.Sleep(time.Hour)
			return "", nil
		},
	}
}

// serve answers one connection on a unix socket, as an adapter's gRPC server does.
func serve(args []string) (string, error) {
	placeholder, err := os.CreateTemp(args[0], "plugin")
	if err != nil {
		return "", err
	}
	path := placeholder.Name()
	if err := errors.Join(placeholder.Close(), os.Remove(path)); err != nil {
		return "", err
	}
	listener, err := net.Listen("unix", path)
	if err != nil {
		return "", err
	}
	fmt.Println(path)
	conn, err := listener.Accept()
	if err != nil {
		return "", err
	}
	_, err = io.Copy(conn, conn)
	return "served", errors.Join(err, conn.Close(), listener.Close())
}

// get fetches a URL over the connection that was passed.
func get(args []string) (string, error) {
	transport := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		file := os.NewFile(passed, "connection")
		defer func() { _ = file.Close() }()
		return net.FileConn(file)
	}}
	defer transport.CloseIdleConnections()
	response, err := (&http.Client{Transport: transport, Timeout: 20 * time.Second}).Get(args[0])
	if err != nil {
		return "", err
	}
	body, err := io.ReadAll(response.Body)
	return string(body), errors.Join(err, response.Body.Close())
}

// threads makes the runtime start threads, preempt them and collect garbage.
func threads([]string) (string, error) {
	var working sync.WaitGroup
	for range 20 {
		working.Go(func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			var kept []byte
			for range 200 {
				kept = append(kept[:0], make([]byte, 64<<10)...)
			}
			time.Sleep(time.Millisecond)
		})
	}
	runtime.GC()
	working.Wait()
	return "done", nil
}

func environment() string {
	names := []string{}
	for _, entry := range os.Environ() {
		name, _, _ := strings.Cut(entry, "=")
		names = append(names, name)
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

// descriptors lists those that came from outside: the runtime's own are close-on-exec.
func descriptors() string {
	open := []string{}
	for fd := range 256 {
		if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err == nil && flags&unix.FD_CLOEXEC == 0 {
			open = append(open, fmt.Sprint(fd))
		}
	}
	return strings.Join(open, " ")
}

func identity([]string) (string, error) {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var sets [2]unix.CapUserData
	if err := unix.Capget(&header, &sets[0]); err != nil {
		return "", err
	}
	groups, err := unix.Getgroups()
	if err != nil {
		return "", err
	}
	bounding := 0
	for c := range 64 {
		if held, err := unix.PrctlRetInt(unix.PR_CAPBSET_READ, uintptr(c), 0, 0, 0); err == nil {
			bounding += held
		}
	}
	nnp, err := unix.PrctlRetInt(unix.PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0)
	if err != nil {
		return "", err
	}
	var core unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_CORE, &core); err != nil {
		return "", err
	}
	return fmt.Sprintf("uid %d %d gid %d %d groups %d capabilities %x bounding %d no_new_privs %d core %d", unix.Getuid(), unix.Geteuid(),
		unix.Getgid(), unix.Getegid(), len(groups), sets[0].Effective|sets[0].Permitted|sets[0].Inheritable|sets[1].Effective|sets[1].Permitted,
		bounding, nnp, core.Max), nil
}
