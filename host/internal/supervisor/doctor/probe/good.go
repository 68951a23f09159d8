package probe

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
	"strconv"
	"sync"
	"time"
)

// patience bounds everything that waits for somebody.
const patience = 10 * time.Second

// good is what an honest adapter does.
func good() []Attempt {
	return []Attempt{
		{Name: "use-own-directory", Allowed: true, try: useOwnDirectory},
		{Name: "work-in-threads", Allowed: true, try: workInThreads},
		{Name: "serve-unix-socket", Allowed: true, try: serve},
		{Name: "use-passed-connection", Allowed: true, try: usePassedConnection},
		{Name: "https-to-declared-host", Allowed: true, Egress: true, try: getDeclared},
	}
}

func useOwnDirectory(trial) (string, error) {
	if err := os.WriteFile("note", []byte("mine"), 0o600); err != nil {
		return "", err
	}
	content, err := os.ReadFile(filepath.Join(os.Getenv("HOME"), "note"))
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("read back %q", content), errors.Join(os.Mkdir("dir", 0o700), os.Rename("note", "dir/note"), os.RemoveAll("dir"))
}

// workInThreads makes the runtime start threads, preempt them and collect garbage.
func workInThreads(trial) (string, error) {
	const threads = 20
	var working sync.WaitGroup
	for range threads {
		working.Go(func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			var kept []byte
			for range 50 {
				kept = append(kept[:0], make([]byte, 64<<10)...)
			}
		})
	}
	runtime.GC()
	working.Wait()
	return fmt.Sprint(threads, " threads"), nil
}

// serve answers one connection on a unix socket, as an adapter's gRPC server does.
func serve(t trial) (string, error) {
	path := filepath.Join(t.SocketDir, "probe.sock")
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "unix", path)
	if err != nil {
		return "", err
	}
	defer func() { _ = listener.Close() }()
	if err := listener.(*net.UnixListener).SetDeadline(time.Now().Add(patience)); err != nil {
		return "", err
	}
	if err := t.say(Result{Name: t.name, State: Serving, Detail: path}); err != nil {
		return "", err
	}
	conn, err := listener.Accept()
	if err != nil {
		return "", err
	}
	_, err = io.Copy(conn, conn)
	return "served a connection", errors.Join(err, conn.Close())
}

func usePassedConnection(trial) (string, error) {
	conn, err := connection(ConnectedFD)
	if err != nil {
		return "", err
	}
	defer func() { _ = conn.Close() }()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return "", err
	}
	const ping = "ping"
	if _, err := io.WriteString(conn, ping); err != nil {
		return "", err
	}
	back := make([]byte, len(ping))
	if _, err := io.ReadFull(conn, back); err != nil {
		return "", err
	}
	return fmt.Sprintf("%s heard %q", conn.RemoteAddr(), back), nil
}

// connection takes a descriptor over.
func connection(fd int) (net.Conn, error) {
	file := os.NewFile(uintptr(fd), "connection")
	defer func() { _ = file.Close() }() // the connection has a copy
	return net.FileConn(file)
}

// getDeclared fetches a page as an adapter does: the host dials, and TLS goes from end to end, with the certificates handed in.
func getDeclared(t trial) (string, error) {
	transport := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		fd, err := t.dial(t.Egress.Call, t.Egress.Declared, t.Egress.Port)
		if err != nil {
			return nil, err
		}
		return connection(fd)
	}}
	defer transport.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	url := "https://" + net.JoinHostPort(t.Egress.Declared, strconv.Itoa(t.Egress.Port)) + "/"
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	response, err := (&http.Client{Transport: transport}).Do(request)
	if err != nil {
		return "", err
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, 1<<10))
	return fmt.Sprintf("%s: %q", response.Status, body), errors.Join(err, response.Body.Close())
}
