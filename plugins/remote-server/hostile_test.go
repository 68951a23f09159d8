package main

import (
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"

	"github.com/patchbay/patchbay/sdk"
	"github.com/patchbay/patchbay/sdk/sdktest"
)

// hostile is a server that does what no sshd does. serve gets each session's channel and requests.
func hostile(t *testing.T, change func(*ssh.ServerConfig), serve func(ssh.Channel, *ssh.Request)) *server {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(key)
	if err != nil {
		t.Fatal(err)
	}
	config := &ssh.ServerConfig{PasswordCallback: func(ssh.ConnMetadata, []byte) (*ssh.Permissions, error) { return nil, nil }}
	config.AddHostKey(signer)
	if change != nil {
		change(config)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			serving.Go(func() { serveSSH(conn, config, serve) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		serving.Wait()
	})
	return &server{harness: sdktest.Start(t, adapter()), fields: map[string]string{
		"host": "127.0.0.1", "port": strconv.Itoa(listener.Addr().(*net.TCPAddr).Port), "username": "user",
		"password": "planted-secret", "host_key": ssh.FingerprintSHA256(signer.PublicKey())}}
}

func serveSSH(conn net.Conn, config *ssh.ServerConfig, serve func(ssh.Channel, *ssh.Request)) {
	defer func() { _ = conn.Close() }()
	inner, channels, requests, err := ssh.NewServerConn(conn, config)
	if err != nil {
		return
	}
	defer func() { _ = inner.Close() }()
	go ssh.DiscardRequests(requests)
	for offered := range channels {
		channel, wants, err := offered.Accept()
		if err != nil {
			return
		}
		go func() {
			for want := range wants {
				serve(channel, want)
			}
		}()
	}
}

// A directory without an end must not fill the adapter's memory, which others' calls share.
func TestEndlessDirectoryIsGivenUp(t *testing.T) {
	t.Parallel()
	s := hostile(t, nil, func(channel ssh.Channel, want *ssh.Request) {
		_ = want.Reply(true, nil)
		handlers := sftp.InMemHandler()
		handlers.FileList = endless{}
		_ = sftp.NewRequestServer(channel, handlers).Serve()
	})
	for operation, input := range map[string]object{"list_files": {"path": "/"}, "remove": {"path": "/home/x", "recursive": true}} {
		e := fails(t, s, sdk.PlatformError, operation, input)
		if !strings.Contains(e.Message, "more entries") {
			t.Errorf("%s: the error is %q", operation, e.Message)
		}
	}
}

type endless struct{}

func (endless) Filelist(*sftp.Request) (sftp.ListerAt, error) { return endless{}, nil }

func (endless) ListAt(infos []os.FileInfo, _ int64) (int, error) {
	for i := range infos {
		infos[i] = directoryInfo{}
	}
	return len(infos), nil
}

type directoryInfo struct{}

func (directoryInfo) Name() string       { return strings.Repeat("d", 200) }
func (directoryInfo) Size() int64        { return 0 }
func (directoryInfo) Mode() os.FileMode  { return os.ModeDir | 0o755 }
func (directoryInfo) ModTime() time.Time { return time.Unix(0, 0) }
func (directoryInfo) IsDir() bool        { return true }
func (directoryInfo) Sys() any           { return nil }

// What a server says reaches nobody: it knows the password that it was sent.
func TestServersWordsAreNotRepeated(t *testing.T) {
	t.Parallel()
	const secret = "planted-secret"
	for name, s := range map[string]*server{
		"a banner and a refusal": hostile(t, func(c *ssh.ServerConfig) {
			c.BannerCallback = func(ssh.ConnMetadata) string { return "your password is " + secret }
			c.PasswordCallback = func(_ ssh.ConnMetadata, password []byte) (*ssh.Permissions, error) {
				return nil, &ssh.BannerError{Err: errors.New(string(password)), Message: string(password)}
			}
		}, nil),
		"a signal of its own": hostile(t, nil, func(channel ssh.Channel, want *ssh.Request) {
			_ = want.Reply(true, nil)
			_, _ = channel.SendRequest("exit-signal", false, ssh.Marshal(struct {
				Signal     string
				CoreDumped bool
				Error      string
				Lang       string
			}{secret, false, secret, ""}))
			_ = channel.Close()
		}),
		"no command": hostile(t, nil, func(_ ssh.Channel, want *ssh.Request) { _ = want.Reply(false, []byte(secret)) }),
		"words instead of SFTP": hostile(t, nil, func(channel ssh.Channel, want *ssh.Request) {
			_ = want.Reply(true, nil)
			_, _ = io.WriteString(channel, secret+secret+secret)
			_ = channel.Close()
		}),
	} {
		for operation, input := range map[string]object{"execute_command": {"command": "true"}, "stat": {"path": "/"}} {
			result, err := s.harness.Execute(t.Context(), request(operation, input, s.fields))
			if err != nil {
				holdsNone(t, err.Error(), secret)
				if sdk.KindOf(err) == sdk.AdapterBug {
					t.Errorf("%s, %s: %v", name, operation, err)
				}
			} else if out := decode[Finished](t, result.Output); out.Signal == secret {
				t.Errorf("%s: the signal is the server's own word", name)
			}
		}
	}
}

// A server whose list of signatures has SHA-1 alone gets no signature, and a sentence that says why.
func TestServerOfSHA1Alone(t *testing.T) {
	t.Parallel()
	key := sdktest.NewSSHKey(t, "rsa", "")
	s := hostile(t, func(c *ssh.ServerConfig) {
		c.PublicKeyAuthAlgorithms = []string{ssh.KeyAlgoRSA}
		c.PublicKeyCallback = func(ssh.ConnMetadata, ssh.PublicKey) (*ssh.Permissions, error) { return nil, nil }
		c.PasswordCallback = nil
	}, nil)
	s.fields["private_key"], s.fields["password"] = key.Private, ""
	e := fails(t, s, sdk.PlatformError, "execute_command", object{"command": "true"})
	if !strings.Contains(e.Message, "SHA-1") {
		t.Errorf("the error is %q", e.Message)
	}
}

// The password goes into a dialogue's one hidden question, and into no other.
func TestDialogues(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		questions []string
		echo      []bool
		ok        bool
	}{
		"the password":      {[]string{"Password: "}, []bool{false}, true},
		"something visible": {[]string{"Say it aloud: "}, []bool{true}, false},
		"two things":        {[]string{"Password: ", "Code: "}, []bool{false, false}, false},
	} {
		var mu sync.Mutex
		var heard []string
		s := hostile(t, func(config *ssh.ServerConfig) {
			config.PasswordCallback = nil
			config.KeyboardInteractiveCallback = func(_ ssh.ConnMetadata, ask ssh.KeyboardInteractiveChallenge) (*ssh.Permissions, error) {
				answers, err := ask("", "", c.questions, c.echo)
				mu.Lock()
				defer mu.Unlock()
				heard = append(heard, answers...)
				if err != nil || len(answers) != 1 || answers[0] != "planted-secret" {
					return nil, errors.New("no")
				}
				return nil, nil
			}
		}, func(channel ssh.Channel, want *ssh.Request) {
			_ = want.Reply(true, nil)
			_, _ = channel.SendRequest("exit-status", false, []byte{0, 0, 0, 0})
			_ = channel.Close()
		})
		_, err := s.harness.Verify(t.Context(), request("", nil, s.fields))
		mu.Lock()
		if (err == nil) != c.ok || (len(heard) > 0) != c.ok {
			t.Errorf("%s: %v, and the server heard %d answers", name, err, len(heard))
		}
		mu.Unlock()
	}
}
